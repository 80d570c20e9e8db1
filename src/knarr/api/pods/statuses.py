"""What may be said of how a Pod goes: what has ended for good stays so, and addresses are addresses.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import ip_address

from knarr.api.checks import named
from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid
from knarr.machinery.names import ip, qualified_name

_BACK = "may not be transitioned to non-terminated state"
_Restarts = Callable[[JSON, JSON, int], bool]  # (spec, container, exit code): whether it may run again


def prepare_status(new: JSON, old: JSON) -> None:
    """Quality of service is decided once, and who does not know of generations has not seen none."""
    status = new.setdefault("status", {})
    for field in ("qosClass", "observedGeneration"):
        if not status.get(field) and (before := dig(old, f"status.{field}")):
            status[field] = before


def validate_status(new: JSON, old: JSON) -> Iterable[FieldError]:
    after, before = new["status"], old.get("status") or {}
    if after.get("qosClass") != before.get("qosClass"):
        yield invalid("status.qosClass", after.get("qosClass"), "field is immutable")
    for field, sort, restarts in _SORTS:
        for index, name, code in _resumed(after.get(field) or (), before.get(field) or ()):
            container: JSON = next((c for c in each(old["spec"], sort) if c.get("name") == name), {})
            if not restarts(old["spec"], container, code) and not _restarts_as_a_whole(old["spec"]):
                yield forbidden(f"status.{field}[{index}].state", _BACK)
    for field in ("podIPs", "hostIPs"):
        if after.get(field) != before.get(field):
            yield from _addresses(f"status.{field}", each(after, field))
    if after.get("conditions") != before.get("conditions"):
        yield from _conditions(each(after, "conditions"))
    if claims := after.get("resourceClaimStatuses"):
        yield from _claims(claims, old["spec"])


def _conditions(conditions: list[JSON]) -> Iterable[FieldError]:
    """Everybody's own have qualified names; upstream looks for them in the metadata."""
    for index, condition in enumerate(conditions):
        yield from named(f"metadata.conditions[{index}].Type", condition.get("type") or "", qualified_name)


def _resumed(after: Sequence[JSON], before: Sequence[JSON]) -> Iterator[tuple[int, str, int]]:
    """Containers that had ended and are said to run or wait again: their places, names and exit codes."""
    for index, status in enumerate(before):
        ended = (status.get("state") or {}).get("terminated")
        if ended is None:
            continue
        name = status.get("name", "")
        if any(s.get("name") == name and (s.get("state") or {}).get("terminated") is None for s in after):
            yield index, name, ended.get("exitCode", 0)


def _restarts_as_a_whole(spec: JSON) -> bool:
    rules = (rule for container in each(spec, "containers") for rule in each(container, "restartPolicyRules"))
    return any(rule.get("action") == "RestartAllContainers" for rule in rules)


def _container_restarts(spec: JSON, container: JSON, code: int) -> bool:
    """A container's own rules and policy come before the Pod's (KEP-5307)."""
    for rule in each(container, "restartPolicyRules"):
        codes = rule.get("exitCodes") or {}
        if (code in (codes.get("values") or ())) == (codes.get("operator") == "In"):
            return True
    policy = container.get("restartPolicy") or spec.get("restartPolicy", "Always")
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def _init_restarts(spec: JSON, container: JSON, code: int) -> bool:
    """All begin again where a Pod does; a sidecar runs for as long as its Pod (KEP-753)."""
    return container.get("restartPolicy") == "Always" or _container_restarts(spec, {}, code)


def _never(spec: JSON, container: JSON, code: int) -> bool:
    return False


_SORTS: tuple[tuple[str, str, _Restarts], ...] = (
    ("containerStatuses", "containers", _container_restarts),
    ("initContainerStatuses", "initContainers", _init_restarts),
    ("ephemeralContainerStatuses", "ephemeralContainers", _never),
)


def _addresses(path: str, entries: list[JSON]) -> Iterable[FieldError]:
    """One of each family at most."""
    given = [entry.get("ip") or "" for entry in entries]
    faults = [fault for index, text in enumerate(given) for fault in named(f"{path}[{index}]", text, ip)]
    yield from faults
    if faults:
        return
    if len(given) > 2 or (len(given) == 2 and len({ip_address(text).version for text in given}) < 2):
        yield invalid(path, entries, "may specify no more than one IP for each IP family")
    for index, text in enumerate(given):
        if text in given[:index]:
            yield duplicate(f"{path}[{index}]", entries[index])


def _claims(statuses: list[JSON], spec: JSON) -> Iterable[FieldError]:
    known, seen = {claim.get("name") for claim in each(spec, "resourceClaims")}, set[str]()
    for index, status in enumerate(statuses):
        path, name = f"status.resourceClaimStatuses[{index}].name", status.get("name") or ""
        if name not in known:
            yield invalid(path, name, "must match the name of an entry in `spec.resourceClaims`")
        if name in seen:
            yield duplicate(path, name)
        seen.add(name)
