"""Waiting for what `knarr up` has started, until its node is Ready or one of its parts has failed for good."""

from __future__ import annotations

import asyncio

from knarr.client.client import Client
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.identities import client
from knarr.cluster.progress import Say, last_words, step
from knarr.machinery.errors import APIError

START_PATIENCE = 90.0  # seconds for the whole start
RETRY = 0.01  # seconds between knocks at a door that is not open yet
GIVE_UP_AFTER = 3  # starts of one part within one `knarr up`


def wait_until_ready(config: Config, say: Say) -> None:
    """Return when the node is Ready. Raises UserError, with the last words of the part that failed."""
    asyncio.run(_until_ready(config, say))


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
        with step("API server ready", say):
            await _until_api_ready(admin)
        with step(f"Node {config.node_name} Ready", say):
            await until_ready(admin, config.node_name)
    finally:
        await admin.close()


async def _until_api_ready(admin: Client) -> None:
    """Knock until somebody opens: nobody could tell us before the server itself is there."""
    while True:
        try:
            await admin.document("/readyz")
        except (APIError, ConnectionError):
            await asyncio.sleep(RETRY)
        else:
            return


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
                raise UserError(f"{file.stem} does not stay up: {last_words(config.logs / f'{file.stem}.log')}")
        await asyncio.sleep(0.2)
