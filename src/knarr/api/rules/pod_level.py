"""Resources of a Pod as a whole: which there are, and that its containers fit into them (KEP-2837).

https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#pod-level-resource-specification
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.api.pods.demand import demand_of_containers, is_pod_level
from knarr.machinery.amounts import amounts_of
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported
from knarr.machinery.quantity import QuantityError

_SUPPORTED = ("cpu", "hugepages-", "memory")


def _resources(spec: JSON, path: str) -> Iterable[FieldError]:
    resources, where = spec["resources"] or {}, f"{path}.resources"
    if resources.get("claims"):
        yield forbidden(f"{where}.claims", "claims may not be set for Resources at pod-level")
    for side in ("limits", "requests"):
        for name in resources.get(side) or ():
            if not is_pod_level(name):
                yield not_supported(f"{where}.{side}[{name}]", name, _SUPPORTED)
    try:
        yield from _sums(spec, where)
    except QuantityError:
        return  # said elsewhere


def _sums(spec: JSON, path: str) -> Iterable[FieldError]:
    requests, limits = (amounts_of(dig(spec, f"resources.{side}")) for side in ("requests", "limits"))
    asked, most = demand_of_containers(spec, "requests"), demand_of_containers(spec, "limits")
    for name in requests:
        if name in asked and asked[name] > requests[name]:
            detail = f"must be greater than or equal to aggregate container requests of {asked[name]}"
            yield invalid(f"{path}.requests[{name}]", str(requests[name]), detail)
    for name in limits:
        if name.startswith("hugepages-") and name in most and most[name] > limits[name]:
            detail = f"must be greater than or equal to aggregate container limits of {most[name]}"
            yield invalid(f"{path}.limits[{name}]", str(limits[name]), detail)
    for index, container in enumerate(each(spec, "containers")):
        for name, limit in amounts_of(dig(container, "resources.limits")).items():
            if name in limits and limit > limits[name]:
                detail = f"must be less than or equal to pod limits of {limits[name]}"
                yield invalid(f"{path}.containers[{index}][{name}].limits", str(limit), detail)


RULES = (Rules("io.k8s.api.core.v1.PodSpec", validate=_resources, when=frozenset({"resources"})),)
