"""Forget the translations of UDP flows that no longer are what the services ask for.

A UDP "connection" stays in the kernel's table as long as datagrams come, and with it the endpoint that was once chosen,
or that none was: a client with a fixed port would talk to an endpoint that has gone for ever. (TCP ends by itself, and
SCTP.) The tool of the conntrack package does it; where it is missing such flows end when they have been silent for
net.netfilter.nf_conntrack_udp_timeout_stream seconds.
"""

from __future__ import annotations

import asyncio
import logging
import re
from subprocess import PIPE
from typing import NamedTuple

from knarr.proxy.ruleset import Change

log = logging.getLogger(__name__)

_TOOL = "conntrack"
_FEW = 8  # ports that are asked for one by one; for more, all flows are listed
_NOTHING_FOUND = 1
# One line is: what the first datagram said, then what an answer must say: its source is the endpoint.
_FLOW = re.compile(r" dst=(\S+) sport=\d+ dport=(\d+) .*?src=(\S+) dst=\S+ sport=(\d+)")


class Flow(NamedTuple):
    """Datagrams to an address and port (no address: to a port of the node), and the endpoint that they go to."""

    address: str
    port: str
    endpoint: str
    endpoint_port: str


class Flows:
    """The UDP flows that may be, and the end of the others."""

    def __init__(self) -> None:
        self._wanted: set[Flow] = set()
        self._touched: set[tuple[str, str]] = set()

    def follow(self, change: Change) -> None:
        """Learn of a change to the table."""
        removed = {Flow(*place.name.split(" ")) for place in change.removed if place.kind == "flow"}
        put = {Flow(*place.name.split(" ")) for place in change.put if place.kind == "flow"}
        self._wanted = (self._wanted - removed) | put
        self._touched |= {(flow.address, flow.port) for flow in removed | put}

    def stale(self, listing: str) -> set[Flow]:
        """Those in the tool's listing that go to a port which has changed, and to no endpoint of it."""
        found = set[Flow]()
        for flow in map(Flow._make, _FLOW.findall(listing)):
            for address in (flow.address, ""):
                if (address, flow.port) in self._touched and flow._replace(address=address) not in self._wanted:
                    found.add(flow)
        return found

    async def forget_stale(self) -> None:
        """Delete the stale ones from the kernel's table."""
        if not self._touched:
            return
        try:
            listings = [await _conntrack("-L", *filters) for filters in self._filters()]
            for flow in self.stale("".join(listings)):
                endpoint = ("--reply-src", flow.endpoint, "--reply-port-src", flow.endpoint_port)
                await _conntrack("-D", *_towards(flow.address, flow.port), *endpoint)
        except FileNotFoundError:
            log.warning("stale UDP flows stay until they time out; the remedy is: apt-get install conntrack")
        self._touched.clear()

    def _filters(self) -> list[tuple[str, ...]]:
        return [_towards(*port) for port in self._touched] if len(self._touched) <= _FEW else [()]


def _towards(address: str, port: str) -> tuple[str, ...]:
    return (*(("--orig-dst", address) if address else ()), "--orig-port-dst", port)


async def _conntrack(verb: str, *filters: str) -> str:
    command = (_TOOL, verb, "-p", "udp", *filters)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    output, errors = await process.communicate()
    if process.returncode not in (0, _NOTHING_FOUND):
        log.warning("%s: %s", " ".join(command), errors.decode(errors="replace").strip())
    return output.decode(errors="replace")
