"""Forget the translations of UDP flows whose endpoint has gone.

A UDP "connection" lives in the kernel's table as long as datagrams come (a client with a fixed port, a resolver), so
it would go to an endpoint that is no more for ever. TCP ends by itself. The tool of the conntrack package does it;
where it is missing such flows end when they have been silent for net.netfilter.nf_conntrack_udp_timeout_stream.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from subprocess import DEVNULL, PIPE

from knarr.proxy.ruleset import Change

log = logging.getLogger(__name__)

_TOOL = "conntrack"
_NOTHING_FOUND = 1


def stale(change: Change) -> Iterator[tuple[str, ...]]:
    """The conntrack tool's filters for the flows that a change makes stale: those to endpoints that went, and those to
    ports that were closed until now, which may have been let through untranslated.
    """
    for kind, name in change.removed:
        if kind == "flow" and (kind, name) not in change.put:
            address, port, endpoint, endpoint_port = name.split(" ")
            to_endpoint = ("--reply-src", endpoint, "--reply-port-src", endpoint_port)
            yield (*_towards(address, port), *to_endpoint)
        elif kind.startswith("closed-") and "udp" in (key := name.split(" . ")):
            yield _towards(key[0] if len(key) == 3 else "", key[-1])


async def forget(change: Change) -> None:
    """Delete the flows that the change made stale."""
    for filters in stale(change):
        await _delete(filters)


def _towards(address: str, port: str) -> tuple[str, ...]:
    return (*(("--orig-dst", address) if address else ()), "--orig-port-dst", port)


async def _delete(filters: tuple[str, ...]) -> None:
    command = (_TOOL, "-D", "-p", "udp", *filters)
    try:
        process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=PIPE)
    except FileNotFoundError:
        log.warning("stale UDP flows stay until they time out: the remedy is: apt-get install conntrack")
        return
    _, errors = await process.communicate()
    if process.returncode not in (0, _NOTHING_FOUND):
        log.warning("%s: %s", " ".join(command), errors.decode(errors="replace").strip())
