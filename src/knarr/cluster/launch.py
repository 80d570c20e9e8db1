"""Bringing a cluster up and down from the command line, step by step and in sight of the user."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from knarr.cluster import certificates, cleanup, processes
from knarr.cluster.config import Config, save
from knarr.cluster.errors import UserError
from knarr.cluster.guardian import launch_supervisor
from knarr.cluster.identities import client, credentials
from knarr.cluster.prerequisites import examine
from knarr.cluster.supervisor import AlreadyRunningError, lock
from knarr.cluster.turns import turn

START_PATIENCE = 90.0  # seconds for the whole start
STOP_PATIENCE = 60.0  # seconds for the whole stop
RETRY = 0.01  # seconds between knocks at a door that is not open yet
GIVE_UP_AFTER = 3  # starts of one part within one `knarr up`

Say = Callable[[str], None]


def running(config: Config) -> bool:
    """Whether the cluster's supervisor is at work."""
    supervisor = processes.find(config.run / "supervisor.pid")
    if supervisor:
        os.close(supervisor.fd)
    return supervisor is not None


def up(config: Config, say: Say) -> None:
    """Start the cluster, or find it running; returns when its node is Ready.

    Raises UserError; like an interruption, it leaves nothing behind of what this call has started.
    """
    with turn(config.run):
        found = running(config)
        if found:
            say(f"Cluster {config.name} is already running")
        else:
            _start(config, say)
    try:
        asyncio.run(_until_ready(config, say))
    except (UserError, KeyboardInterrupt):
        if not found:
            down(config, lambda _: None)
        raise


def prepare(config: Config) -> None:
    """Write all that the processes read: configuration, certificates, the admin's kubeconfig, containerd's files."""
    from knarr.client import kubeconfig
    from knarr.cluster.node_files import write_node_files

    save(config)
    certificates.ensure(config)
    kubeconfig.write(config.admin_kubeconfig, kubeconfig.compose(config.name, credentials(config)))
    write_node_files(config)


def down(config: Config, say: Say) -> None:
    """Stop everything that belongs to the cluster; its state stays on disk. Fine to call when nothing runs."""
    with turn(config.run), _step("Everything stopped", say):
        held = _depose(config)
        for process in _parts(config):  # those whose supervisor was killed
            process.stop(STOP_PATIENCE / 4)
            os.close(process.fd)
        cleanup.stop_containers(config)
        cleanup.sweep(config)
        shutil.rmtree(config.run, ignore_errors=True)
        os.close(held)


def reset(config: Config, say: Say) -> None:
    """Stop the cluster and forget it: all objects, volumes, logs and images of its node."""
    down(config, say)
    with _step(f"{config.root} removed", say):
        shutil.rmtree(config.root, ignore_errors=True)


def _start(config: Config, say: Say) -> None:
    with _step("Machine checked", say):
        _require(config)
    with _step("Certificates and configuration in place", say):
        prepare(config)
    supervisor = launch_supervisor(config)
    while not running(config):  # whose turn is next must find it
        if supervisor.ended(RETRY):
            raise UserError(f"the supervisor does not stay up: {_last_words(config.logs / 'supervisor.log')}")
    os.close(supervisor.fd)


def _depose(config: Config) -> int:
    """Stop the supervisor and take its place, so that no part can start a successor; returns the lock."""
    while True:
        if supervisor := processes.find(config.run / "supervisor.pid"):
            supervisor.stop(STOP_PATIENCE)
            os.close(supervisor.fd)
        try:
            return lock(config.run)
        except AlreadyRunningError:  # a successor that has not said its name yet
            time.sleep(RETRY)


def _parts(config: Config) -> list[processes.Process]:
    """The cluster's processes that run."""
    return [found for path in config.run.glob("*.pid") if (found := processes.find(path))]


def _require(config: Config) -> None:
    survivors = _parts(config)  # they hold the ports themselves
    for process in survivors:
        os.close(process.fd)
    problems = [
        f"{finding.problem} ({finding.prerequisite.fix})"
        for finding in examine(config, running=bool(survivors))
        if finding.problem and not finding.prerequisite.optional
    ]
    if problems:
        raise UserError("; ".join(problems))


async def _until_ready(config: Config, say: Say) -> None:
    try:
        async with asyncio.timeout(START_PATIENCE):
            watcher = asyncio.create_task(_until_a_part_fails(config))
            ready = asyncio.create_task(_until_node_ready(config, say))
            done, pending = await asyncio.wait((watcher, ready), return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            done.pop().result()
    except TimeoutError:
        raise UserError(
            f"the cluster was not ready after {START_PATIENCE:.0f} s; its logs are in {config.logs}"
        ) from None


async def _until_node_ready(config: Config, say: Say) -> None:
    from knarr.cluster.nodes import until_ready

    admin = client(config, "admin")
    try:
        with _step("API server ready", say):
            await _until_api_ready(config)
        with _step(f"Node {config.node_name} Ready", say):
            await until_ready(admin, config.node_name)
    finally:
        await admin.close()


async def _until_api_ready(config: Config) -> None:
    """Knock until somebody opens: nobody could tell us before the server itself is there."""
    from knarr.wire.connections import HTTPTransport
    from knarr.wire.messages import Request
    from knarr.wire.tls import client_context

    tls = client_context(config.pki / "ca.crt", config.pki / "admin.crt", config.pki / "admin.key")
    transport = HTTPTransport(config.api_url, tls=tls)
    try:
        while True:
            try:
                if (await transport.request(Request("GET", "/readyz"))).status == 200:
                    return
            except ConnectionError:
                pass
            await asyncio.sleep(RETRY)
    finally:
        await transport.close()


async def _until_a_part_fails(config: Config) -> None:
    """Raise UserError, with the last words of the part, when one does not stay up or somebody stops them all."""
    seen: dict[str, set[str]] = {}
    while True:
        if not config.run.exists():
            raise UserError(f"cluster {config.name} was stopped meanwhile")
        for file in config.run.glob("*.pid"):
            identities = seen.setdefault(file.stem, set())
            identities.add(file.read_text())
            if len(identities) > GIVE_UP_AFTER:
                raise UserError(f"{file.stem} does not stay up: {_last_words(config.logs / f'{file.stem}.log')}")
        await asyncio.sleep(0.2)


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    return f"{lines[-1].strip()} (more in {log})" if lines else f"{log} is empty"


@contextmanager
def _step(done: str, say: Say) -> Iterator[None]:
    """Tell what has been done, with the time that it took."""
    started = time.monotonic()
    yield
    say(f"{done}  {time.monotonic() - started:.2f} s")
