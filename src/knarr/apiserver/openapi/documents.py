"""The OpenAPI documents as trees, with every definition that they refer to."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping
from typing import Any

from knarr.api.kind import JSON, Kind, Version
from knarr.api.schema import REFERENCE, definitions
from knarr.apiserver.openapi.operations import paths_of
from knarr.apiserver.openapi.references import DEFINITIONS, closure

Served = list[tuple[Kind, Version]]

_INFO = {"title": "Kubernetes", "version": "v1.36.0"}
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_V2_SPECIAL: dict[str, JSON] = {
    _INT_OR_STRING: {"type": "string", "format": "int-or-string"},
    _QUANTITY: {"type": "string"},
}


def version_three(served: Served) -> JSON:
    """One group and version: its paths, and the closure of their schemas."""
    paths: JSON = {}
    for kind, version in served:
        paths |= paths_of(kind, version)
    return {
        "openapi": "3.0.0",
        "info": _INFO,
        "paths": paths,
        "components": {"schemas": _schemas(paths, served, older=False)},
    }


def version_two(served: Served) -> JSON:
    """The whole API as one Swagger 2.0 document."""
    paths: JSON = {}
    for kind, version in served:
        paths |= paths_of(kind, version)
    schemas = {
        name: _V2_SPECIAL.get(name) or _older(schema) for name, schema in _schemas(paths, served, older=True).items()
    }
    older_paths = {path: _older_item(item) for path, item in paths.items()}
    return {"swagger": "2.0", "info": _INFO, "paths": older_paths, "definitions": schemas}


def _schemas(paths: JSON, served: Served, *, older: bool) -> JSON:
    """The published definitions that the paths need, and those that custom resources bring along; sorted by name."""
    own: JSON = {}
    for _, version in served:
        own |= version.own.schemas(older) if version.own else {}
    known: Mapping[str, JSON] = ChainMap(own, definitions())  # type: ignore[arg-type]
    return dict(sorted(closure(paths, known, REFERENCE).items()))


def _older(schema: Any) -> Any:
    """A schema in version 2: other references, and no `allOf` around one."""
    if isinstance(schema, list):
        return [_older(item) for item in schema]
    if not isinstance(schema, dict):
        return (
            schema.replace(REFERENCE, DEFINITIONS)
            if isinstance(schema, str) and schema.startswith(REFERENCE)
            else schema
        )
    result = {key: _older(value) for key, value in schema.items() if key not in ("allOf", "properties")}
    if "properties" in schema:  # whose keys are names and no keywords
        result["properties"] = {name: _older(field) for name, field in schema["properties"].items()}
    for part in schema.get("allOf", ()):
        result |= _older(part)
    return result


def _older_item(item: JSON) -> JSON:
    return {
        method: [_older_parameter(p) for p in part] if method == "parameters" else _older_operation(part)
        for method, part in item.items()
    }


def _older_parameter(parameter: JSON) -> JSON:
    return {**{key: value for key, value in parameter.items() if key != "schema"}, **parameter["schema"]}


def _older_operation(operation: JSON) -> JSON:
    result = {key: value for key, value in operation.items() if key != "requestBody"}
    parameters = [_older_parameter(parameter) for parameter in operation.get("parameters", ())]
    if body := operation.get("requestBody"):
        contents = body["content"]
        result["consumes"] = list(contents)
        schema = _older(next(iter(contents.values()))["schema"])
        parameters.insert(0, {"name": "body", "in": "body", "required": body.get("required", False), "schema": schema})
    result["parameters"] = parameters
    result["produces"] = ["application/json", "application/yaml"]
    result["responses"] = {code: _older_response(answer) for code, answer in operation["responses"].items()}
    return result


def _older_response(answer: JSON) -> JSON:
    content = answer.get("content", {})
    schemas: Iterable[Any] = (entry["schema"] for entry in content.values())
    schema = next(iter(schemas), None)
    return {"description": answer["description"], **({"schema": _older(schema)} if schema else {})}
