"""The operations of a kind, as OpenAPI v3 path items: what clients look up parameters, media types and kinds in."""

from __future__ import annotations

from knarr.api.kind import JSON, Kind, Version
from knarr.api.schema import REFERENCE
from knarr.apiserver.subresources import Subresource, subresources_of

_STRATEGIC = "application/strategic-merge-patch+json"
PATCH_TYPES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    _STRATEGIC,
)
_ANSWER_TYPES = ("application/json", "application/yaml")
_STATUS = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"
_DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
_PATCH = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"
_METHODS = {"create": "post", "get": "get", "list": "get", "update": "put", "patch": "patch", "delete": "delete"}
_ACTIONS = {"create": "post", "update": "put"}


def _query(name: str, type: str = "string") -> JSON:
    return {"name": name, "in": "query", "schema": {"type": type, "uniqueItems": True}}


def _in_path(name: str) -> JSON:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "uniqueItems": True}}


_WRITE = (_query("dryRun"), _query("fieldManager"), _query("fieldValidation"))
_LIST = (
    *(
        _query(name)
        for name in ("continue", "fieldSelector", "labelSelector", "resourceVersion", "resourceVersionMatch")
    ),
    _query("allowWatchBookmarks", "boolean"),
    _query("limit", "integer"),
    _query("sendInitialEvents", "boolean"),
    _query("timeoutSeconds", "integer"),
    _query("watch", "boolean"),
)
_DELETE = (
    _query("dryRun"),
    _query("gracePeriodSeconds", "integer"),
    _query("orphanDependents", "boolean"),
    _query("propagationPolicy"),
)
_PARAMETERS: dict[str, tuple[JSON, ...]] = {
    "create": _WRITE,
    "update": _WRITE,
    "patch": (*_WRITE, _query("force", "boolean")),
    "list": _LIST,
    "delete": _DELETE,
    "deletecollection": (*_DELETE, *_LIST[:5]),
}


def paths_of(kind: Kind, version: Version) -> dict[str, JSON]:
    """All paths of a kind in one of its versions, with their operations."""
    root = f"/apis/{kind.group}/{version.name}" if kind.group else f"/api/{version.name}"
    base = f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    inside = [_in_path("namespace")] if kind.namespaced else []
    named = [_in_path("name"), *inside]
    found = {
        base: _item(kind, version, ("list", "create", "deletecollection"), inside),
        f"{base}/{{name}}": _item(kind, version, ("get", "update", "patch", "delete"), named),
    }
    if kind.namespaced and "list" in kind.verbs:
        found[f"{root}/{kind.plural}"] = _item(kind, version, ("list",), [], scope="ForAllNamespaces")
    for sub in subresources_of(kind):
        found[f"{base}/{{name}}/{sub.name}"] = _subresource_item(kind, version, sub, named)
    return {path: item for path, item in found.items() if len(item) > 1}


def _item(kind: Kind, version: Version, verbs: tuple[str, ...], parameters: list[JSON], scope: str = "") -> JSON:
    item: JSON = {"parameters": [*parameters, _query("pretty")]}
    for verb in verbs:
        if verb in kind.verbs:
            item[_METHODS.get(verb, "delete")] = _operation(kind, version, verb, scope)
    return item


def _operation(kind: Kind, version: Version, verb: str, scope: str) -> JSON:
    definition = version.definition
    answered = {"list": f"{definition}List", "delete": _STATUS, "deletecollection": _STATUS}.get(verb, definition)
    identity = {"group": kind.group, "version": version.name, "kind": kind.kind}
    return {
        "operationId": _operation_id(kind, version, verb, kind.kind + scope),
        "x-kubernetes-action": _ACTIONS.get(verb, verb),
        "x-kubernetes-group-version-kind": identity,
        **_body(verb, version),
        **({"parameters": list(_PARAMETERS[verb])} if verb in _PARAMETERS else {}),
        "responses": _responses(verb, answered),
        "tags": [_tag(kind, version)],
    }


def _subresource_item(kind: Kind, version: Version, sub: Subresource, parameters: list[JSON]) -> JSON:
    item: JSON = {"parameters": [*parameters, _query("pretty")]}
    identity = {
        "group": sub.group if sub.version else kind.group,
        "version": sub.version or version.name,
        "kind": sub.kind or kind.kind,
    }
    for verb in sub.verbs:
        item[_METHODS[verb]] = {
            "operationId": _operation_id(kind, version, verb, kind.kind + sub.name.capitalize()),
            "x-kubernetes-action": _ACTIONS.get(verb, verb),
            "x-kubernetes-group-version-kind": identity,
            **({"parameters": list(_PARAMETERS[verb])} if verb in _PARAMETERS else {}),
            "responses": {"200": {"description": "OK"}, "401": {"description": "Unauthorized"}},
            "tags": [_tag(kind, version)],
        }
    return item


def _body(verb: str, version: Version) -> JSON:
    if verb in ("create", "update"):
        return {"requestBody": {"required": True, "content": {"*/*": {"schema": _reference(version.definition)}}}}
    if verb == "patch":
        content = {name: {"schema": _reference(_PATCH)} for name in _patch_types(version)}
        return {"requestBody": {"required": True, "content": content}}
    if verb in ("delete", "deletecollection"):
        return {"requestBody": {"content": {"*/*": {"schema": _reference(_DELETE_OPTIONS)}}}}
    return {}


def _patch_types(version: Version) -> tuple[str, ...]:
    """Kubectl takes from here which patch it may send."""
    return tuple(name for name in PATCH_TYPES if not (version.own and name == _STRATEGIC))


def _responses(verb: str, definition: str) -> JSON:
    content = {media_type: {"schema": _reference(definition)} for media_type in _ANSWER_TYPES}
    codes = {"200": "OK", **({"201": "Created"} if verb in ("create", "update", "patch") else {})}
    answers = {code: {"description": text, "content": content} for code, text in codes.items()}
    return {**answers, "401": {"description": "Unauthorized"}}


def _reference(definition: str) -> JSON:
    return {"$ref": REFERENCE + definition}


def _operation_id(kind: Kind, version: Version, verb: str, target: str) -> str:
    action = {"update": "replace", "get": "read", "deletecollection": "deleteCollection"}.get(verb, verb)
    scope = "Namespaced" if kind.namespaced and not target.endswith("ForAllNamespaces") else ""
    return f"{action}{_tag(kind, version).replace('_', ' ').title().replace(' ', '')}{scope}{target}"


def _tag(kind: Kind, version: Version) -> str:
    group = kind.group.removesuffix(".k8s.io").split(".")[0] or "core"
    return f"{group}_{version.name}"
