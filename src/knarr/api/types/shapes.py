"""What a definition looks like to the compilers: scalars, lists, maps and structs, not JSON Schema's many spellings.

The shape of a named definition is made once and knows its fields only when somebody looks: definitions
may be recursive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any, Literal

import msgspec

from knarr.api import schema as published
from knarr.api.kind import JSON
from knarr.api.schema.numbers import message_of, values_of

Form = Literal["string", "bool", "int32", "int64", "float64", "bytes", "time", "micro", "quantity", "int-or-string"]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"


_ZEROED: frozenset[Form] = frozenset({"string", "bool", "int32", "int64", "float64", "bytes"})


class Scalar(msgspec.Struct, frozen=True):
    form: Form


class Opaque(msgspec.Struct, frozen=True):
    """Any JSON, kept as it is: RawExtension, FieldsV1, apiextensions' JSON."""


class ObjectOr(msgspec.Struct, frozen=True):
    """An object of a definition, a list of such, or any other JSON: JSONSchemaPropsOrArray, JSONSchemaPropsOrBool."""

    definition: str
    other: Literal["array", "bool"]


class ListOf(msgspec.Struct, frozen=True):
    item: Shape
    keys: tuple[str, ...] = ()  # of a list that is a map
    type: str = "atomic"  # who owns its items: set, map


class MapOf(msgspec.Struct, frozen=True):
    value: Shape


class Field(msgspec.Struct, frozen=True):
    shape: Shape
    patch: frozenset[str] = frozenset()  # strategies: merge, replace, retainKeys
    merge_key: str = ""
    map_type: str = ""  # atomic, granular: whether its parts have owners of their own; default: as the type says


class Struct:
    """An object with named fields; equal only to itself."""

    def __init__(self, name: str, schema: JSON) -> None:
        self.name = name  # the definition's
        self.required: tuple[str, ...] = tuple(schema.get("required", ()))
        self.is_kind = "x-kubernetes-group-version-kind" in schema
        self.is_atomic = schema.get("x-kubernetes-map-type") == "atomic"  # one owner for all its fields
        self._properties: JSON = schema.get("properties", {})

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        properties, self._properties = self._properties, {}  # read once; kept, they would be most of a type's memory
        return {name: _field(schema) for name, schema in properties.items()}

    @cached_property
    def omitted(self) -> frozenset[str]:
        """The fields that upstream leaves out where they are empty or zero (Go's omitempty), as that says nothing:
        optional ones that are no pointers, and no structs.
        """
        said = {*self.required, *_WRITTEN.get(self.name, ())}
        optional = values_of(message_of(self.name)) - said
        return frozenset(name for name in optional if name in self.fields and _has_zero(self.fields[name].shape))

    @cached_property
    def zeros(self) -> Mapping[str, Any]:
        """What upstream writes of a status that nobody has set: its required fields, as Go's zero values."""
        if not self.name.endswith(("Status", "Condition")) or not self.name.startswith("io.k8s."):
            return {}
        said = (*self.required, *_WRITTEN.get(self.name, ()))
        shapes = {name: self.fields[name].shape for name in said if name in self.fields}
        return {name: _ZEROS[of.form] for name, of in shapes.items() if isinstance(of, Scalar) and of.form in _ZEROS}

    @property
    def go_name(self) -> str:
        """As Go's decoder names the type in its messages: `DeploymentSpec`."""
        return self.name.rpartition(".")[2]

    @property
    def go_type(self) -> str:
        """The same with its package: `v1.DeploymentSpec`."""
        return ".".join(self.name.split(".")[-2:])


Shape = Scalar | Opaque | ObjectOr | ListOf | MapOf | Struct

_OPAQUE = Opaque()
_ZEROS: Mapping[str, Any] = {"string": "", "bool": False, "int32": 0, "int64": 0}
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"
_CORE, _RBAC = "io.k8s.api.core.v1", "io.k8s.api.rbac.v1"
_WRITTEN = {  # optional fields that upstream writes all the same, and one that means something while it is read
    f"{_CORE}.Event": ("reportingComponent", "reportingInstance"),
    f"{_CORE}.ProjectedVolumeSource": ("sources",),
    f"{_RBAC}.ClusterRole": ("rules",),
    f"{_RBAC}.Role": ("rules",),
    "io.k8s.api.discovery.v1.EndpointSlice": ("endpoints", "ports"),
    "io.k8s.api.apps.v1.StatefulSetStatus": ("availableReplicas",),
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus": ("currentMetrics",),
    "io.k8s.api.policy.v1.PodDisruptionBudgetStatus": (
        *("currentHealthy", "desiredHealthy"),
        *("disruptionsAllowed", "expectedPods"),
    ),
    f"{_META}.ObjectMeta": ("managedFields",),  # none: owners are to be forgotten
}
_NAMED: dict[str, Shape] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": Scalar("quantity"),
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": Scalar("int-or-string"),
    "io.k8s.apimachinery.pkg.runtime.RawExtension": _OPAQUE,
    f"{_META}.FieldsV1": _OPAQUE,
    f"{_META}.Time": Scalar("time"),
    f"{_META}.MicroTime": Scalar("micro"),
    f"{_EXTENSIONS}.JSONSchemaPropsOrArray": ObjectOr(f"{_EXTENSIONS}.JSONSchemaProps", "array"),
    f"{_EXTENSIONS}.JSONSchemaPropsOrBool": ObjectOr(f"{_EXTENSIONS}.JSONSchemaProps", "bool"),
}
for _version in ("v1", "v1beta1"):  # views, which the published schema leaves out
    _partial = f"{_META.removesuffix('v1')}{_version}.PartialObjectMetadata"
    _items = {"type": "array", "items": {"$ref": f"/{_META}.PartialObjectMetadata"}}
    _listed = {"metadata": {"$ref": f"/{_META}.ListMeta"}, "items": _items}
    _NAMED[_partial] = Struct(_partial, {"properties": {"metadata": {"$ref": f"/{_META}.ObjectMeta"}}})
    _NAMED[f"{_partial}List"] = Struct(f"{_partial}List", {"properties": _listed})
_FORMS: dict[tuple[str, str], Form] = {
    ("string", ""): "string",
    ("string", "byte"): "bytes",
    ("boolean", ""): "bool",
    ("integer", ""): "int64",
    ("integer", "int32"): "int32",
    ("integer", "int64"): "int64",
    ("number", ""): "float64",
    ("number", "double"): "float64",
}


@cache
def shape_of(definition: str) -> Shape:
    """The shape of a named definition. Raises KeyError."""
    if definition in _NAMED:
        return _NAMED[definition]
    schema = published.definition(definition)
    return Struct(definition, schema) if schema.get("type") == "object" else _OPAQUE


def _has_zero(shape: Shape) -> bool:
    """Whether a value of this shape can be one that Go takes for none; quantities and times are structs."""
    return isinstance(shape, ListOf | MapOf) or (isinstance(shape, Scalar) and shape.form in _ZEROED)


def _field(schema: JSON) -> Field:
    strategies = schema.get("x-kubernetes-patch-strategy", "")
    return Field(
        _shape(schema),
        frozenset(strategies.split(",")) if strategies else frozenset(),
        schema.get("x-kubernetes-patch-merge-key", ""),
        schema.get("x-kubernetes-map-type", ""),
    )


def _shape(schema: JSON) -> Shape:
    """The shape of a schema in place: a field's, an item's, a value's."""
    reference = schema.get("$ref") or next((part["$ref"] for part in schema.get("allOf", ()) if "$ref" in part), "")
    if reference:
        return shape_of(reference.rpartition("/")[2])
    kind = schema.get("type")
    if kind == "array":
        keys = tuple(schema.get("x-kubernetes-list-map-keys", ()))
        return ListOf(_shape(schema["items"]), keys, schema.get("x-kubernetes-list-type", "atomic"))
    if kind == "object":
        values = schema.get("additionalProperties")
        return MapOf(_shape(values)) if isinstance(values, dict) else _OPAQUE
    form = _FORMS.get((kind or "", schema.get("format", "")))
    return Scalar(form) if form else _OPAQUE


class Reach:
    """Whether a struct that `holds` can be met within a shape: what cannot is never visited."""

    def __init__(self, holds: Callable[[Struct], bool]) -> None:
        self._holds = holds
        self._known: dict[Struct, bool] = {}

    def __call__(self, shape: Shape) -> bool:
        struct = _innermost(shape)
        if struct is None:
            return False
        seen: set[Struct] = set()
        found = self._search(struct, seen)
        if not found:
            self._known.update(dict.fromkeys(seen, False))
        return found

    def _search(self, struct: Struct, seen: set[Struct]) -> bool:
        if struct in self._known:
            return self._known[struct]
        if struct in seen:
            return False
        seen.add(struct)
        inner = (_innermost(field.shape) for field in struct.fields.values())
        found = self._holds(struct) or any(self._search(child, seen) for child in inner if child)
        if found:  # a "no" is only sure when the whole search has ended
            self._known[struct] = True
        return found


def _innermost(shape: Shape) -> Struct | None:
    """The struct that lists and maps wrap."""
    while isinstance(shape, ListOf | MapOf):
        shape = shape.item if isinstance(shape, ListOf) else shape.value
    return shape if isinstance(shape, Struct) else None


def go_type(shape: Shape) -> str:
    """As Go's decoder names a type in its messages: `int32`, `[]v1.Container`, `map[string]string`."""
    match shape:
        case Struct():
            return shape.go_type
        case ListOf(item):
            return f"[]{go_type(item)}"
        case MapOf(value):
            return f"map[string]{go_type(value)}"
        case Scalar(form):
            return _GO_TYPES.get(form, form)
        case Opaque() | ObjectOr():
            return "json.RawMessage"


_GO_TYPES: dict[Form, str] = {
    "bytes": "[]uint8",
    "time": "v1.Time",
    "micro": "v1.MicroTime",
    "quantity": "resource.Quantity",
    "int-or-string": "intstr.IntOrString",
}
