"""Node ports: one bitmap of what is taken, as upstream's RangeAllocation, changed together with each Service.

The bitmap is a big number in big-endian bytes (Go's big.Int), bit 0 the first port of the range.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
import orjson

from knarr.api.kind import JSON
from knarr.apiserver.effects.effect import Effect, RefusedError
from knarr.apiserver.registry import Registry
from knarr.machinery.fielderrors import internal, invalid
from knarr.storage.store import Write

KEY = "/registry/ranges/servicenodeports"
_TYPES = ("NodePort", "LoadBalancer")


def settle(new: JSON, old: JSON | None) -> None:
    """An update that leaves out node ports keeps those of the same port; a Service that needs ports no more loses
    them, unless it names others.
    """
    if old is None or not _wants_ports(old):
        return
    if _wants_ports(new):
        _keep(new, old)
    elif _named_ports(new) == _named_ports(old):
        for port in new["spec"].get("ports") or ():
            port.pop("nodePort", None)
    if not _checks_health(new) and new["spec"].get("healthCheckNodePort") == old["spec"].get("healthCheckNodePort"):
        new["spec"].pop("healthCheckNodePort", None)


def _named_ports(service: JSON) -> set[int]:
    return {port.get("nodePort", 0) for port in service["spec"].get("ports") or ()}


def _keep(new: JSON, old: JSON) -> None:
    held = {(p.get("protocol"), p.get("port")): p.get("nodePort") for p in old["spec"].get("ports") or ()}
    for port in new["spec"].get("ports") or ():
        if not port.get("nodePort") and (kept := held.pop((port.get("protocol"), port.get("port")), None)):
            port["nodePort"] = kept
    if _checks_health(new) and not new["spec"].get("healthCheckNodePort") and _checks_health(old):
        new["spec"]["healthCheckNodePort"] = old["spec"]["healthCheckNodePort"]


def plan(registry: Registry, new: JSON | None, old: JSON | None) -> Sequence[Write]:
    """Take the ports that the Service lacks, release those that it no longer has."""
    before = set(_ports(old))
    if new is None and not before:
        return ()
    taken = _Taken(registry)
    if new is not None and _wants_ports(new):
        _assign(taken, new, before)
    after = set(_ports(new))
    taken.bits &= ~sum(1 << port - taken.range.start for port in before - after)
    return taken.writes()


def _wants_ports(service: JSON) -> bool:
    """A load balancer's Service may do without, unless it names ports itself."""
    spec = service["spec"]
    if spec.get("type") not in _TYPES:
        return False
    named = any(port.get("nodePort") for port in spec.get("ports") or ())
    return bool(named or spec.get("allocateLoadBalancerNodePorts", True))


def _checks_health(service: JSON) -> bool:
    spec = service["spec"]
    return (spec.get("type"), spec.get("externalTrafficPolicy")) == ("LoadBalancer", "Local")


def _ports(service: JSON | None) -> Iterator[int]:
    spec = (service or {}).get("spec") or {}
    if spec.get("type") in _TYPES:
        yield from (port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort"))
        if spec.get("healthCheckNodePort"):
            yield spec["healthCheckNodePort"]


def _assign(taken: _Taken, service: JSON, held: set[int]) -> None:
    """Fixed ports first, so that no free choice takes one of them; one number may serve several protocols."""
    ports = service["spec"].get("ports") or []
    seen: Counter[tuple[int, str]] = Counter()
    own = set(held)
    for index, port in enumerate(ports):
        if wanted := port.get("nodePort"):
            seen[wanted, port.get("protocol", "TCP")] += 1
            if wanted not in own or seen[wanted, port.get("protocol", "TCP")] > 1:
                taken.take(wanted, f"spec.ports[{index}].nodePort")
                own.add(wanted)
    shared: dict[int, int] = {}
    for port in ports:
        if not port.get("nodePort"):
            port["nodePort"] = shared.get(port["port"]) or taken.take_any()
        shared.setdefault(port["port"], port["nodePort"])
    if _checks_health(service) and not service["spec"].get("healthCheckNodePort"):
        service["spec"]["healthCheckNodePort"] = taken.take_any()


class _Taken:
    """The stored bitmap, being changed."""

    def __init__(self, registry: Registry) -> None:
        entry = registry.cache.get(KEY)
        self.range, self._random = registry.options.node_ports, registry.options.random
        self._revision = entry.revision if entry else 0
        self._stored = self.bits = _bits(orjson.loads(entry.value)) if entry else 0

    def take(self, port: int, path: str) -> None:
        """Raises RefusedError."""
        if port not in self.range:
            valid = f"{self.range.start}-{self.range.stop - 1}"
            why = f"provided port is not in the valid range. The range of valid ports is {valid}"
            raise RefusedError(invalid(path, port, why))
        bit = 1 << port - self.range.start
        if self.bits & bit:
            raise RefusedError(invalid(path, port, "provided port is already allocated"))
        self.bits |= bit

    def take_any(self) -> int:
        """A random free port. Raises RefusedError."""
        free = [port for port in self.range if not self.bits >> port - self.range.start & 1]
        if not free:
            raise RefusedError(internal("spec.ports", "failed to allocate a nodePort: range is full"))
        port = self._random.choice(free)
        self.bits |= 1 << port - self.range.start
        return port

    def writes(self) -> Sequence[Write]:
        if self.bits == self._stored:
            return ()
        data = self.bits.to_bytes((self.bits.bit_length() + 7) // 8, "big")
        allocation = {
            "kind": "RangeAllocation",
            "apiVersion": "v1",
            "metadata": {},
            "range": f"{self.range.start}-{self.range.stop - 1}",
            "data": base64.b64encode(data).decode(),
        }
        return (Write(KEY, msgspec.json.encode(allocation), expected=self._revision),)


def _bits(allocation: JSON) -> int:
    return int.from_bytes(base64.b64decode(allocation.get("data") or ""), "big")


EFFECT = Effect("node_ports", plan, settle)
