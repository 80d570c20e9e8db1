"""Other servers' parts of OpenAPI version 2, put into our own document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from knarr.api.kind import JSON
from knarr.apiserver.openapi.references import DEFINITIONS


def merged(document: JSON, parts: Sequence[Mapping[str, JSON]]) -> JSON:
    """The document with the parts' paths and definitions; of a definition that differs from ours both stay, the other
    under a name of its own (as upstream: with a number behind it).
    """
    for part in parts:
        document = _with(document, part) if part else document
    return document


def _with(document: JSON, part: Mapping[str, JSON]) -> JSON:
    known, given = document.get("definitions", {}), part.get("definitions", {})
    names = {name: _free(name, schema, known) for name, schema in given.items()}
    moved = {name: new for name, new in names.items() if new != name}
    definitions = {names[name]: _renamed(schema, moved) for name, schema in given.items()}
    own_paths = document.get("paths", {})
    paths = {path: _renamed(item, moved) for path, item in part.get("paths", {}).items() if path not in own_paths}
    return {**document, "paths": {**own_paths, **paths}, "definitions": {**known, **definitions}}


def _free(name: str, schema: JSON, known: Mapping[str, JSON]) -> str:
    """The name itself, unless it is taken by something else."""
    found, number = name, 2
    while found in known and known[found] != schema:
        found, number = f"{name}_v{number}", number + 1
    return found


def _renamed(tree: Any, names: Mapping[str, str]) -> Any:
    """The tree with its references to definitions that have moved."""
    if not names:
        return tree
    if isinstance(tree, list):
        return [_renamed(item, names) for item in tree]
    if not isinstance(tree, dict):
        return tree
    found = {key: _renamed(value, names) for key, value in tree.items()}
    reference = tree.get("$ref")
    if isinstance(reference, str) and (new := names.get(reference.removeprefix(DEFINITIONS))):
        found["$ref"] = f"{DEFINITIONS}{new}"
    return found
