"""Other servers' documents, read with care: the parts that are about one version of a group. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from knarr.api.kind import JSON

_DEFINITIONS = "#/definitions/"


def aggregated_version(document: JSON, group: str, version: str) -> JSON | None:
    """A version's entry in aggregated discovery."""
    if document.get("kind") != "APIGroupDiscoveryList":
        return None
    for item in _trees(document.get("items")):
        if (item.get("metadata") or {}).get("name") == group:
            return next((v for v in _trees(item.get("versions")) if v.get("version") == version), None)
    return None


def listed_version(document: JSON) -> JSON | None:
    """An entry of aggregated discovery made of an APIResourceList."""
    if document.get("kind") != "APIResourceList":
        return None
    listed = list(_trees(document.get("resources")))
    group, _, version = str(document.get("groupVersion", "")).rpartition("/")
    found: dict[str, JSON] = {}
    for resource in listed:
        name, slash, subresource = str(resource.get("name", "")).partition("/")
        kind = _response_kind(resource, group, version)
        if not slash:
            found[name] = _resource(resource, kind)
        elif name in found:
            entry = {"subresource": subresource, "responseKind": kind, "verbs": resource.get("verbs") or []}
            found[name].setdefault("subresources", []).append(entry)
    return {"version": version, "resources": list(found.values())}


def _response_kind(resource: JSON, group: str, version: str) -> JSON:
    return {
        "group": resource.get("group") or group,
        "version": resource.get("version") or version,
        "kind": resource.get("kind", ""),
    }


def _resource(resource: JSON, kind: JSON) -> JSON:
    found = {
        "resource": resource["name"],
        "responseKind": kind,
        "scope": "Namespaced" if resource.get("namespaced") else "Cluster",
        "singularResource": resource.get("singularName", ""),
        "verbs": resource.get("verbs") or [],
        "shortNames": resource.get("shortNames") or [],
        "categories": resource.get("categories") or [],
    }
    return {name: value for name, value in found.items() if value != []}


def own_part(document: JSON, path: str) -> Mapping[str, JSON]:
    """Of an OpenAPI document of version 2: the paths below this one, and the definitions that they need."""
    paths, known = document.get("paths"), document.get("definitions")
    if not isinstance(paths, dict):
        return {}
    own = {name: item for name, item in paths.items() if name == path or name.startswith(f"{path}/")}
    return {"paths": own, "definitions": _reached(own, known if isinstance(known, dict) else {})}


def _reached(tree: Any, known: Mapping[str, JSON]) -> JSON:
    found: JSON = {}
    waiting = set(_references(tree))
    while waiting:
        name = waiting.pop()
        if name in known and name not in found:
            found[name] = known[name]
            waiting |= set(_references(known[name]))
    return found


def _references(tree: Any) -> Iterator[str]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                yield reference.removeprefix(_DEFINITIONS)
            stack.extend(node.values())


def _trees(items: Any) -> Iterator[JSON]:
    """The objects of a list that may be no list."""
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())
