"""What may be said of how a Pod goes: what has ended for good stays so, and addresses are addresses.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address

from knarr.api.checks import named
from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid
from knarr.machinery.names import ip

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
    if not any(rule.get("action") == "RestartAllContainers" for rule in _rules(old["spec"])):
        for field, sort, restarts in _SORTS:
            containers = {container.get("name"): container for container in each(old["spec"], sort)}
            yield from _transitions(after, before, field, containers, lambda *a, r=restarts: r(old["spec"], *a))
    yield from _addresses("status.podIPs", each(after, "podIPs"))
    yield from _addresses("status.hostIPs", each(after, "hostIPs"))
    yield from _claims(each(after, "resourceClaimStatuses"), old["spec"])


def _rules(spec: JSON) -> list[JSON]:
    return [rule for container in each(spec, "containers") for rule in each(container, "restartPolicyRules")]


def _transitions(
    after: JSON, before: JSON, field: str, containers: JSON, restarts: Callable[[JSON, int], bool]
) -> Iterable[FieldError]:
    now = {status.get("name"): status for status in each(after, field)}
    for index, status in enumerate(each(before, field)):
        ended, name = dig(status, "state.terminated"), status.get("name")
        if ended is None or name not in now or dig(now[name], "state.terminated") is not None:
            continue
        if not restarts(containers.get(name, {}), ended.get("exitCode", 0)):
            yield forbidden(f"status.{field}[{index}].state", _BACK)


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
