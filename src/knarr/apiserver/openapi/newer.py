"""OpenAPI version 2 as version 3: for aggregated servers that do not know the newer one, as upstream's converts theirs.

https://learn.openapis.org/upgrading/v2.0-to-v3.0 (nothing but what Kubernetes' documents use)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knarr.api.kind import JSON

_OLD, _NEW = "#/definitions/", "#/components/schemas/"
_OF_PARAMETER = frozenset(("name", "in", "description", "required", "allowEmptyValue"))
_ANY = ("*/*",)


def newer(part: Mapping[str, JSON]) -> JSON:
    """A whole document of a part's paths and definitions."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": {path: _item(item) for path, item in part.get("paths", {}).items()},
        "components": {"schemas": {name: _moved(schema) for name, schema in part.get("definitions", {}).items()}},
    }


def _moved(tree: Any) -> Any:
    """A schema with its references where version 3 has them."""
    if isinstance(tree, list):
        return [_moved(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    reference = tree.get("$ref")
    found = {key: _moved(value) for key, value in tree.items()}
    if isinstance(reference, str) and reference.startswith(_OLD):
        found["$ref"] = _NEW + reference.removeprefix(_OLD)
    return found


def _item(item: JSON) -> JSON:
    return {
        method: [_parameter(given) for given in part] if method == "parameters" else _operation(part)
        for method, part in item.items()
    }


def _operation(operation: JSON) -> JSON:
    apart = ("parameters", "consumes", "produces", "responses", "schemes")
    found = {key: value for key, value in operation.items() if key not in apart}
    given = operation.get("parameters") or []
    found["parameters"] = [_parameter(each) for each in given if each.get("in") != "body"]
    for body in (each for each in given if each.get("in") == "body"):
        content = _content(body.get("schema"), operation.get("consumes"))
        found["requestBody"] = {"content": content, **({"required": True} if body.get("required") else {})}
    answers = (operation.get("responses") or {}).items()
    found["responses"] = {code: _answer(answer, operation.get("produces")) for code, answer in answers}
    return found


def _answer(answer: JSON, produces: Any) -> JSON:
    content = {"content": _content(answer["schema"], produces)} if "schema" in answer else {}
    return {"description": answer.get("description", ""), **content}


def _content(schema: Any, media_types: Any) -> JSON:
    return {name: {"schema": _moved(schema or {})} for name in media_types or _ANY}


def _parameter(given: JSON) -> JSON:
    """What says of which type it is becomes its schema."""
    kept = {key: value for key, value in given.items() if key in _OF_PARAMETER}
    return {**kept, "schema": _moved({key: value for key, value in given.items() if key not in _OF_PARAMETER})}
