"""Environment variables and where their values come from."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import named
from knarr.api.kind import JSON, Rules
from knarr.api.pods.fields import check_field, check_resource
from knarr.machinery.fielderrors import FieldError, invalid, required
from knarr.machinery.names import config_key, dns1123_subdomain, env_var_name

_CORE = "io.k8s.api.core.v1"
_SOURCES = ("configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef")
_POD_FIELDS = frozenset(
    {
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    }
)


def _variable(variable: JSON, path: str) -> Iterable[FieldError]:
    source = variable.get("valueFrom")
    if source is None:
        return
    if len([name for name in source if name in _SOURCES]) != 1:
        detail = (
            "may not have more than one field specified at a time" if source else "must specify one of: " + _listed()
        )
        yield invalid(f"{path}.valueFrom", "", detail)
    elif variable.get("value"):
        yield invalid(f"{path}.valueFrom", "", "may not be specified when `value` is not empty")
    if reference := source.get("fieldRef"):
        yield from check_field(f"{path}.valueFrom.fieldRef", reference, _POD_FIELDS)
    if reference := source.get("resourceFieldRef"):
        yield from check_resource(f"{path}.valueFrom.resourceFieldRef", reference)


def _listed() -> str:
    return "`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"


def _many(source: JSON, path: str) -> Iterable[FieldError]:
    given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
    if source.get("prefix"):
        yield from named(f"{path}.prefix", source["prefix"], env_var_name)
    if not given:
        yield invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
    if len(given) > 1:
        yield invalid(path, "", "may not have more than one field specified at a time")
    for name in given:
        yield from _reference(f"{path}.{name}", source[name])


def _reference(path: str, reference: JSON) -> Iterable[FieldError]:
    name = reference.get("name")
    if not name:
        yield required(f"{path}.name")
    else:
        yield from named(f"{path}.name", name, dns1123_subdomain)


def _key(selector: JSON, path: str) -> Iterable[FieldError]:
    if not selector.get("name"):
        yield required(f"{path}.name")
    if key := selector.get("key"):
        yield from named(f"{path}.key", key, config_key)


RULES = (
    Rules(
        f"{_CORE}.EnvVar",
        required=("name",),
        names={"name": env_var_name},
        validate=_variable,
        when=frozenset({"valueFrom"}),
    ),
    Rules(f"{_CORE}.EnvFromSource", validate=_many),
    Rules(f"{_CORE}.ConfigMapKeySelector", required=("key",), validate=_key),
    Rules(f"{_CORE}.SecretKeySelector", required=("key",), validate=_key),
    Rules(f"{_CORE}.ObjectFieldSelector", defaults={"apiVersion": "v1"}, required=("fieldPath",)),
    Rules(f"{_CORE}.ResourceFieldSelector", defaults={"divisor": "0"}, required=("resource",)),
)
