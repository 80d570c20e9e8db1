"""Bringing a cluster up and down from the command line, step by step and in sight of the user."""

from __future__ import annotations

import os
import shutil
import time

from knarr.cluster import cleanup, processes
from knarr.cluster.completing import moved
from knarr.cluster.config import Config, save
from knarr.cluster.errors import UserError
from knarr.cluster.pki import certificates
from knarr.cluster.prerequisites import examine
from knarr.cluster.progress import Say, last_words, step
from knarr.cluster.succession import launch_supervisor
from knarr.cluster.supervisor import AlreadyRunningError, lock
from knarr.cluster.turns import turn

STOP_PATIENCE = 60.0  # seconds for the whole stop
RETRY = 0.01  # seconds between looks for a supervisor


def running(config: Config) -> bool:
    """Whether the cluster's supervisor is at work."""
    return processes.pid_of(config.supervisor_pid) != 0


def up(config: Config, say: Say) -> None:
    """Start the cluster, or find it running; returns when its node is Ready.

    Raises UserError; like an interruption, it leaves nothing behind of what this call has started.
    """
    started = False
    try:
        with turn(config.run):
            if running(config):
                say(f"Cluster {config.name} is already running")
            else:
                config = moved(config)
                _make_ready(config, say)
                started = True
                _start(config)
        from knarr.cluster.waiting import wait_until_ready  # asyncio's import is a third of it all: after the start

        wait_until_ready(config, say)
    except (UserError, KeyboardInterrupt):
        if started:
            down(config, lambda _: None)
        raise


def prepare(config: Config) -> None:
    """Write all that the processes read: configuration, certificates, the admin's kubeconfig, containerd's files."""
    from knarr.cluster.node_files import write_node_files

    save(config)
    certificates.ensure(config)
    certificates.write_admin(config)
    write_node_files(config)


def down(config: Config, say: Say) -> None:
    """Stop everything that belongs to the cluster; its state stays on disk. Fine to call when nothing runs."""
    with turn(config.run), step("Everything stopped", say):
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
    with step(f"{config.root} removed", say):
        shutil.rmtree(config.root, ignore_errors=True)
    if config.datastore:
        say(f"What the cluster has stored in {config.datastore} stays there")


def _make_ready(config: Config, say: Say) -> None:
    with step("Machine checked", say):
        _require(config)
    with step("Certificates and configuration in place", say):
        prepare(config)


def _start(config: Config) -> None:
    supervisor = launch_supervisor(config)
    while not running(config):  # whose turn is next must find it
        if supervisor.ended(RETRY):
            raise UserError(f"the supervisor does not stay up: {last_words(config.logs / 'supervisor.log')}")
    os.close(supervisor.fd)


def _depose(config: Config) -> int:
    """Stop the supervisor and take its place, so that no part can start a successor; returns the lock."""
    while True:
        if supervisor := processes.find(config.supervisor_pid):
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
    survive = any(processes.pid_of(path) for path in config.run.glob("*.pid"))  # they hold the ports themselves
    problems = [
        f"{finding.problem} ({finding.prerequisite.fix})"
        for finding in examine(config, running=survive)
        if finding.problem and not finding.prerequisite.optional
    ]
    if problems:
        raise UserError("; ".join(problems))
