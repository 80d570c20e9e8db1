"""Discovery: which groups, versions and resources there are, in the two forms that clients ask for.

Legacy: /api, /apis, /apis/<group>, /api/v1, /apis/<group>/<version>. Aggregated (KEP-3352): all at once at /api and
/apis, for clients whose Accept header asks for it.
https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from knarr.api.kind import JSON, Kind
from knarr.apiserver.answers import NOT_FOUND, Document
from knarr.apiserver.elsewhere import Elsewhere, ElsewhereVersion, Nowhere
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.media import DISCOVERY_GROUP, DISCOVERY_LIST, Output, negotiate
from knarr.apiserver.priorities import group_priority, version_priority, version_rank
from knarr.apiserver.subresources import Subresource, subresources_of
from knarr.wire.messages import Request, Response

_AGGREGATED = frozenset({DISCOVERY_LIST})
_NOT_AGGREGATED: frozenset[str] = frozenset()


class Discovery:
    """Serves the documents derived from the kinds; each is encoded when first asked for."""

    def __init__(self, kinds: Kinds, elsewhere: Elsewhere | None = None, address: str = "") -> None:
        """`address` is where clients reach the server, as host:port."""
        self._kinds = kinds
        self._addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}] if address else []
        self._elsewhere = elsewhere or Nowhere()
        self._state: Any = None  # of the kinds and of what is elsewhere, when they were grouped
        self._groups: dict[str, _Group] = {}
        self._documents: dict[tuple[str, Output], Document | None] = {}

    def _refresh(self) -> None:
        state = (self._kinds.generation, self._elsewhere.state())
        if self._state == state:
            return
        self._state, self._documents = state, {}
        self._groups = _grouped(self._kinds, self._elsewhere.versions())

    def paths(self) -> list[str]:
        """Every path that is answered."""
        self._refresh()
        found = ["/api", "/apis"]
        for group in self._groups.values():
            base = f"/apis/{group.name}" if group.name else "/api"
            found += [base, *(f"{base}/{version}" for version in group.versions())]
        return sorted(set(found))

    def answer(self, request: Request) -> Response:
        """Raises NotAcceptable."""
        self._refresh()
        path = request.path.rstrip("/")
        views = _AGGREGATED if path in ("/api", "/apis") else _NOT_AGGREGATED
        form = negotiate(request.headers.get("accept", ""), views)
        if (path, form) not in self._documents:
            if (document := self._build(path, form)) is None:
                return NOT_FOUND
            self._documents[path, form] = document
        found = self._documents[path, form]
        return found.answer(request) if found else NOT_FOUND

    def _build(self, path: str, form: Output) -> Document | None:
        media, version = form.media, form.view_version
        if form.view:
            groups = [group for group in self._groups if bool(group) == (path == "/apis")]
            media_type = f"{media.name};g={DISCOVERY_GROUP};v={version};as={DISCOVERY_LIST}"
            return Document.of(media.encode(self._aggregated(groups, version)), media_type, cache_control="public")
        tree = self._legacy(path.split("/")[1:])
        return Document.of(media.encode(tree), media.name) if tree else None

    def _legacy(self, parts: list[str]) -> JSON | None:
        match parts:
            case ["api"]:
                return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": self._addresses}
            case ["apis"]:
                groups = [_described(group) for name, group in self._groups.items() if name]
                return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
            case ["apis", str(group)] if group and group in self._groups:
                return {"kind": "APIGroup", "apiVersion": "v1", **_described(self._groups[group])}
            case ["api", str(version)]:
                return _resource_list("", version, self._kinds_of(""))
            case ["apis", str(group), str(version)] if group:
                return _resource_list(group, version, self._kinds_of(group))
        return None

    def _kinds_of(self, group: str) -> list[Kind]:
        return self._groups[group].kinds if group in self._groups else []

    def _aggregated(self, groups: Iterable[str], version: str) -> JSON:
        return {
            "kind": DISCOVERY_LIST,
            "apiVersion": f"{DISCOVERY_GROUP}/{version}",
            "metadata": {},
            "items": [
                {
                    "metadata": {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None},
                    "versions": [
                        found.elsewhere[name].discovery
                        if name in found.elsewhere
                        else _aggregated_version(group, name, found.kinds)
                        for name in found.versions()
                    ],
                }
                for group in groups
                for found in (self._groups[group],)
            ],
        }


@dataclass(slots=True)
class _Group:
    """A group: the kinds of it that are served here, and its versions that are served elsewhere."""

    name: str
    kinds: list[Kind] = field(default_factory=list)
    elsewhere: dict[str, ElsewhereVersion] = field(default_factory=dict)

    @property
    def custom(self) -> bool:
        return all(version.own is not None for kind in self.kinds for version in kind.versions)

    def versions(self) -> list[str]:
        """By their priority, then as Kubernetes orders them by their names."""
        names = {version.name for kind in self.kinds for version in kind.versions} | set(self.elsewhere)
        return sorted(names, key=lambda name: (-self._priority(name) if self.elsewhere else 0, version_rank(name)))

    def _priority(self, version: str) -> int:
        found = self.elsewhere.get(version)
        return found.version_priority if found else version_priority(self.name, version, custom=self.custom)

    def priority(self) -> int:
        """Decides between groups."""
        elsewhere = [version.group_priority for version in self.elsewhere.values()]
        return max(elsewhere) if not self.kinds else group_priority(self.name, custom=self.custom)


def _grouped(kinds: Iterable[Kind], elsewhere: Iterable[ElsewhereVersion]) -> dict[str, _Group]:
    """The groups in the order of their priority, then by name."""
    groups: dict[str, _Group] = {}
    for kind in kinds:
        groups.setdefault(kind.group, _Group(kind.group)).kinds.append(kind)
    for version in elsewhere:
        groups.setdefault(version.group, _Group(version.group)).elsewhere[version.version] = version
    return {group.name: group for group in sorted(groups.values(), key=lambda group: (-group.priority(), group.name))}


def _described(group: _Group) -> JSON:
    names = group.versions()
    versions = [{"groupVersion": f"{group.name}/{version}", "version": version} for version in names]
    return {"name": group.name, "versions": versions, "preferredVersion": versions[0]}


def _resource_list(group: str, version: str, kinds: Iterable[Kind]) -> JSON | None:
    resources: list[JSON] = []
    for kind in _served(kinds, version):
        resources.append(_resource(kind))
        resources += [_subresource(kind, sub, version) for sub in subresources_of(kind)]
    if not resources:
        return None
    group_version = f"{group}/{version}" if group else version
    resources.sort(key=lambda resource: resource["name"])
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}


def _served(kinds: Iterable[Kind], name: str) -> list[Kind]:
    """The kinds that a version has, as it shows them."""
    return [kind.at(version) for kind in kinds for version in kind.versions if version.name == name]


def _resource(kind: Kind) -> JSON:
    found: JSON = {
        "name": kind.plural,
        "singularName": kind.singular_name,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": sorted(kind.verbs),
        "shortNames": list(kind.short_names),
        "categories": list(kind.categories),
        "storageVersionHash": _storage_version_hash(kind),
    }
    return {key: value for key, value in found.items() if value not in ([], None)}


def _subresource(kind: Kind, sub: Subresource, version: str) -> JSON:
    found: JSON = {"name": f"{kind.plural}/{sub.name}", "singularName": "", "namespaced": kind.namespaced}
    if (sub.group, sub.version) != ("", "") and (sub.group, sub.version) != (kind.group, version):
        found |= {"group": sub.group, "version": sub.version} if sub.group else {"version": sub.version}
    return {**found, "kind": sub.kind or kind.kind, "verbs": list(sub.verbs)}


def _storage_version_hash(kind: Kind) -> str | None:
    """Upstream's: the first eight bytes of the hash of group/version/kind."""
    if "list" not in kind.verbs:
        return None
    text = f"{kind.group}/{kind.storage_version.name}/{kind.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def _aggregated_version(group: str, version: str, kinds: Iterable[Kind]) -> JSON:
    return {
        "version": version,
        "resources": [_aggregated_resource(kind, group, version) for kind in _served(kinds, version)],
        "freshness": "Current",
    }


def _aggregated_resource(kind: Kind, group: str, version: str) -> JSON:
    subresources = [
        {
            "subresource": sub.name,
            "responseKind": {
                "group": sub.group if sub.version else group,
                "version": sub.version or version,
                "kind": sub.kind or kind.kind,
            },
            "verbs": list(sub.verbs),
        }
        for sub in subresources_of(kind)
    ]
    found: JSON = {
        "resource": kind.plural,
        "responseKind": {"group": group, "version": version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular_name,
        "verbs": sorted(kind.verbs),
        "shortNames": list(kind.short_names),
        "categories": list(kind.categories),
        "subresources": subresources,
    }
    return {key: value for key, value in found.items() if value != []}
