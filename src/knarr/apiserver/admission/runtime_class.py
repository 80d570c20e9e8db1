"""RuntimeClass: a Pod takes its class's overhead, and goes where the class's runtime is.

https://kubernetes.io/docs/concepts/containers/runtime-class/
"""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.apiserver.admission.plugin import Attributes, Plugin
from knarr.machinery.amounts import amounts_of


def mutate(attributes: Attributes) -> None:
    found = _class(attributes)
    if found is None:
        return
    spec, overhead = (attributes.object or {})["spec"], dig(found, "overhead.podFixed")
    if overhead:
        if spec.get("overhead") and amounts_of(spec["overhead"]) != amounts_of(overhead):
            raise attributes.forbidden("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
        spec["overhead"] = overhead
    _place(attributes, spec, found.get("scheduling") or {})


def _place(attributes: Attributes, spec: JSON, scheduling: JSON) -> None:
    """Both node selectors must hold, and all tolerations count."""
    selector = spec.get("nodeSelector") or {}
    for key, value in (scheduling.get("nodeSelector") or {}).items():
        if selector.get(key, value) != value:
            theirs, own = f"runtimeClass.scheduling.nodeSelector[{key}]", f"pod.spec.nodeSelector[{key}]"
            raise attributes.forbidden(f"conflict: {theirs} = {value}; {own} = {selector[key]}")
    if scheduling.get("nodeSelector"):
        spec["nodeSelector"] = {**selector, **scheduling["nodeSelector"]}
    known = each(spec, "tolerations")
    if more := [toleration for toleration in each(scheduling, "tolerations") if toleration not in known]:
        spec["tolerations"] = [*known, *more]


def validate(attributes: Attributes) -> None:
    """Somebody may have changed the overhead since."""
    overhead = (attributes.object or {})["spec"].get("overhead")
    found = _class(attributes)
    wanted = dig(found, "overhead.podFixed") if found else None
    if wanted and amounts_of(overhead) != amounts_of(wanted):
        raise attributes.forbidden("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
    if overhead and not wanted:
        raise attributes.forbidden("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")


def _class(attributes: Attributes) -> JSON | None:
    name = (attributes.object or {})["spec"].get("runtimeClassName")
    if not name:
        return None
    found = attributes.lister.get("node.k8s.io", "runtimeclasses", "", name)
    if found is None:
        raise attributes.forbidden(f'pod rejected: RuntimeClass "{name}" not found')
    return found


PLUGIN = Plugin("RuntimeClass", mutate=mutate, validate=validate, operations=frozenset({"CREATE"}), resources=("pods",))
