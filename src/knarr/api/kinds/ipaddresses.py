"""IPAddresses: which Service a cluster IP belongs to; the name is the address (KEP-1880)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from ipaddress import ip_address

from knarr.api.cells import NAME
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig
from knarr.machinery.fielderrors import FieldError, invalid


def _canonical_address(name: str) -> Iterable[str]:
    try:
        canonical = str(ip_address(name)) == name
    except ValueError:
        canonical = False
    return () if canonical else ("must be a canonical form IP address",)


def _parent(address: JSON, now: datetime) -> str:
    parent = dig(address, "spec.parentRef", {})
    qualified = ".".join(filter(None, [parent.get("resource"), parent.get("group")]))
    return "/".join(filter(None, [qualified, parent.get("namespace"), parent.get("name")]))


def _validate_update(new: JSON, old: JSON) -> Iterable[FieldError]:
    if dig(new, "spec.parentRef") != dig(old, "spec.parentRef"):
        yield invalid("spec.parentRef", dig(new, "spec.parentRef"), "field is immutable")


KIND = Kind(
    kind="IPAddress",
    plural="ipaddresses",
    versions=(Version("v1", "io.k8s.api.networking.v1.IPAddress"),),
    group="networking.k8s.io",
    namespaced=False,
    short_names=("ip",),
    name_rule=_canonical_address,
    columns=(NAME, Column("ParentRef", _parent, shows="spec.parentRef")),
    fields={
        "spec.parentRef.group": lambda address: dig(address, "spec.parentRef.group", ""),
        "spec.parentRef.resource": lambda address: dig(address, "spec.parentRef.resource", ""),
        "spec.parentRef.namespace": lambda address: dig(address, "spec.parentRef.namespace", ""),
        "spec.parentRef.name": lambda address: dig(address, "spec.parentRef.name", ""),
    },
    validate_update=_validate_update,
)
