"""Nodes: taints, and addresses that do not change once given."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import named
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, not_supported
from knarr.machinery.names import label_value, qualified_name

_CORE = "io.k8s.api.core.v1"
_EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")


def _node(spec: JSON, path: str) -> Iterable[FieldError]:
    seen = set()
    for index, taint in enumerate(each(spec, "taints")):
        identity = (taint.get("key"), taint.get("effect"))
        if identity in seen:
            yield duplicate(f"{path}.taints[{index}]", taint)
        seen.add(identity)


def _taint(taint: JSON, path: str) -> Iterable[FieldError]:
    yield from named(f"{path}.key", taint.get("key") or "", qualified_name)
    yield from named(f"{path}.value", taint.get("value") or "", label_value)
    if (effect := taint.get("effect")) and effect not in _EFFECTS:
        yield not_supported(f"{path}.effect", effect, _EFFECTS)


def _update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    """A node gets its Pod network and its provider's name once."""
    if old.get("podCIDRs") and new.get("podCIDRs") != old["podCIDRs"]:
        yield forbidden(f"{path}.podCIDRs", 'node updates may not change podCIDR except from "" to valid')
    if old.get("providerID") and new.get("providerID") != old["providerID"]:
        yield forbidden(f"{path}.providerID", 'node updates may not change providerID except from "" to valid')


def _default_status(status: JSON) -> None:
    """What can be allocated is everything, unless the node says otherwise."""
    if status.get("capacity") and not status.get("allocatable"):
        status["allocatable"] = dict(status["capacity"])


RULES = (
    Rules(f"{_CORE}.NodeSpec", validate=_node, validate_update=_update),
    Rules(f"{_CORE}.NodeStatus", default=_default_status),
    Rules(f"{_CORE}.Taint", required=("effect",), validate=_taint),
)
