"""Other servers' documents, read with care: the parts that are about one version of a group. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver.openapi.references import DEFINITIONS, closure


class _Part(msgspec.Struct, rename="camel", omit_defaults=True):
    """A part of an entry; what it does not know is dropped."""


class _Kind(_Part):
    group: str = ""
    version: str = ""
    kind: str = ""


class _Subresource(_Part):
    subresource: str
    response_kind: _Kind | None = None
    verbs: list[str] = []


class _Resource(_Part):
    resource: str
    response_kind: _Kind | None = None
    scope: str = ""
    singular_resource: str = ""
    verbs: list[str] = []
    short_names: list[str] = []
    categories: list[str] = []
    subresources: list[_Subresource] = []


class _Version(_Part):
    version: str
    resources: list[_Resource] = []


def aggregated_version(document: JSON, group: str, version: str) -> JSON | None:
    """A version's entry in aggregated discovery."""
    if document.get("kind") != "APIGroupDiscoveryList":
        return None
    for item in _trees(document.get("items")):
        metadata = item.get("metadata")
        if isinstance(metadata, dict) and metadata.get("name") == group:
            found = (v for v in _trees(item.get("versions")) if v.get("version") == version)
            return next(map(_checked, found), None)
    return None


def _checked(entry: JSON) -> JSON | None:
    """The entry as every client can read it: one server's mistake must not spoil the document that lists all."""
    try:
        found: JSON = msgspec.to_builtins(msgspec.convert(entry, _Version))
    except msgspec.ValidationError:
        return None
    return found


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
    return _checked({"version": version, "resources": list(found.values())})


def _response_kind(resource: JSON, group: str, version: str) -> JSON:
    return {
        "group": resource.get("group") or group,
        "version": resource.get("version") or version,
        "kind": resource.get("kind", ""),
    }


def _resource(resource: JSON, kind: JSON) -> JSON:
    return {
        "resource": resource["name"],
        "responseKind": kind,
        "scope": "Namespaced" if resource.get("namespaced") else "Cluster",
        "singularResource": resource.get("singularName", ""),
        "verbs": resource.get("verbs") or [],
        "shortNames": resource.get("shortNames") or [],
        "categories": resource.get("categories") or [],
    }


def openapi_url(index: JSON, path: str) -> str:
    """Where the index of OpenAPI version 3 has a version's document: below the path that is passed on, or ""."""
    paths = index.get("paths")
    entry = paths.get(path.strip("/")) if isinstance(paths, dict) else None
    url = entry.get("serverRelativeURL") if isinstance(entry, dict) else None
    return url if isinstance(url, str) and url.partition("?")[0] == f"/openapi/v3{path}" else ""


def own_part(document: JSON, path: str) -> Mapping[str, JSON]:
    """Of an OpenAPI document of version 2: the paths below this one, and the definitions that they need."""
    paths, known = document.get("paths"), document.get("definitions")
    if not isinstance(paths, dict):
        return {}
    own = {name: item for name, item in paths.items() if name == path or name.startswith(f"{path}/")}
    return {"paths": own, "definitions": closure(own, known if isinstance(known, dict) else {}, DEFINITIONS)}


def _trees(items: Any) -> Iterator[JSON]:
    """The objects of a list that may be no list."""
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())
