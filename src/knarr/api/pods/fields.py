"""What a Pod can be told of itself: its fields, and its containers' resources (docs: "Downward API")."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from knarr.api.checks import named
from knarr.api.kind import JSON
from knarr.machinery.fielderrors import FieldError, invalid, not_supported
from knarr.machinery.names import qualified_name
from knarr.machinery.quantity import QuantityError, parse

_KNOWN = frozenset(  # fields that have a label, whoever asks for them
    {
        *("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"),
        *("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.hostIP"),
        *("status.hostIPs", "status.phase", "status.podIP", "status.podIPs", "spec.host"),
    }
)
_MAPS = ("metadata.annotations", "metadata.labels")
_RESOURCES = tuple(
    f"{side}.{name}" for side in ("limits", "requests") for name in ("cpu", "ephemeral-storage", "memory")
)
_BYTES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_DIVISORS = {  # by the resource: what messages call it, and what it may be divided by
    "cpu": ("cpu", ("1m", "1")),
    "memory": ("memory", _BYTES),
    "ephemeral-storage": ("local ephemeral storage", _BYTES),
}


def check_field(path: str, reference: JSON, allowed: Collection[str]) -> Iterable[FieldError]:
    """A field of the Pod; `metadata.labels['key']` names one label."""
    name, where = reference.get("fieldPath") or "", f"{path}.fieldPath"
    base, subscript, key = name.partition("['")
    version = reference.get("apiVersion", "v1")
    if subscript and name.endswith("']"):
        yield from _subscripted(path, base, key.removesuffix("']"))
    elif name and version != "v1":
        yield invalid(where, name, f"error converting fieldPath: unsupported pod version: {version}")
    elif name and name not in _KNOWN:
        yield invalid(where, name, f"error converting fieldPath: field label not supported: {name}")
    elif name and name not in allowed:
        yield not_supported(where, name, allowed)


def _subscripted(path: str, base: str, key: str) -> Iterable[FieldError]:
    if base not in _MAPS:
        yield invalid(path, base, "does not support subscript")
    else:
        yield from named(path, key.lower() if base == _MAPS[0] else key, qualified_name)


def check_resource(path: str, reference: JSON) -> Iterable[FieldError]:
    """A container's resource, in units of a divisor."""
    name, divisor = reference.get("resource") or "", reference.get("divisor") or "0"
    resource = name.partition(".")[2]
    if name and name not in _RESOURCES and not resource.startswith("hugepages-"):
        yield not_supported(f"{path}.resource", name, _RESOURCES)
        return
    noun, allowed = _DIVISORS.get(resource, ("hugepages", _BYTES))
    if name and not _is_one_of(divisor, ("0", *allowed)):
        listed = " and ".join(allowed) if len(allowed) == 2 else ", ".join(allowed)
        detail = f"only divisor's values {listed} are supported with the {noun} resource"
        yield invalid(f"{path}.divisor", name, detail)


def _is_one_of(amount: str, allowed: Collection[str]) -> bool:
    try:
        return parse(amount) in [parse(each) for each in allowed]
    except QuantityError:
        return True  # said elsewhere
