"""What a request asks for, read from its method and URL alone (upstream: k8s.io/apiserver, RequestInfo).

/api/v1/namespaces/{namespace}/{resource}/{name}/{subresource}/{rest...}
/apis/{group}/{version}/{resource}/{name}
anything else is a non-resource path, its verb the method in lower case
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from urllib.parse import parse_qs, unquote

import msgspec

from knarr.machinery.names import path_segment
from knarr.machinery.selectors import SelectorError, parse_fields

LONG_RUNNING = frozenset(("attach", "exec", "log", "portforward", "proxy"))  # subresources that last as they please
_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_NAMESPACE_SUBRESOURCES = ("status", "finalize")
_SLASH = re.compile(r"/|%2[fF]")
_LEADING = re.compile(rf"(?:{_SLASH.pattern})*")
_REMEMBERED = 4096  # requests, some two megabytes: a cluster's clients ask for the same thousands of objects
_SHORT = 1000  # characters of those


class RequestInfo(msgspec.Struct, frozen=True):
    """A parsed request.

    For collections `name` is what a `metadata.name` field selector pins, as authorization wants it.
    For the resource `namespaces` itself, `namespace` and `name` are the same.
    """

    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    is_resource: bool = False
    path: str = ""  # of a resource as sent; of anything else decoded, as rules name it
    rest: str = ""  # what follows the subresource, with its slash: the path that a proxy passes on
    field_selector: str = ""  # of what lists, watches or deletes a collection, as sent
    label_selector: str = ""

    @property
    def qualified_resource(self) -> str:
        """`deployments.apps`, as messages and roles name it."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def is_short(self) -> bool:
        """Whether it may be kept in mind: strangers would fill the memory with long ones."""
        return len(self.path) + len(self.field_selector) + len(self.label_selector) < _SHORT


def parse(method: str, path: str, query: str = "") -> RequestInfo:
    """Never fails: what does not look like a resource is a non-resource request."""
    return (_known if len(path) + len(query) < _SHORT else _parse)(method, path, query)


def _parse(method: str, path: str, query: str) -> RequestInfo:
    decoded = unquote(path) if "%" in path else path
    parts = decoded.strip("/").split("/")  # an encoded slash is one, and there may be nothing between two of them
    if len(parts) >= 3 and parts[0] == "api":
        return _resource(method, path, query, "", parts, 1)
    if len(parts) >= 4 and parts[0] == "apis":
        return _resource(method, path, query, parts[1], parts, 2)
    return RequestInfo(verb=method.lower(), path=decoded)


def _resource(method: str, path: str, query: str, group: str, given: list[str], prefix: int) -> RequestInfo:
    """`given` are the segments of the path, of which `prefix` say which API it is."""
    version, verb, rest = given[prefix], _VERBS.get(method, ""), given[prefix + 1 :]
    by_path = rest[0] == "watch" and len(rest) > 1  # deprecated /api/v1/watch/...
    if by_path:
        verb, rest = "watch", rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _NAMESPACE_SUBRESOURCES:
            rest = rest[2:]
    resource, name, subresource = (*rest[:3], "", "")[:3]
    selectors = ("", "")
    if not name and not by_path:
        verb, name, selectors = _of_collection(verb, query)
    tail = _after(path, len(given) - len(rest) + 3) if len(rest) > 3 else ""
    return RequestInfo(verb, group, version, resource, subresource, namespace, name, True, path, tail, *selectors)


_known = lru_cache(_REMEMBERED)(_parse)  # clients ask for the same things over and over


def _of_collection(verb: str, query: str) -> tuple[str, str, tuple[str, str]]:
    """The verb on a collection, the one name that its field selector pins, and its selectors of fields and labels."""
    if verb not in ("get", "delete"):
        return verb, "", ("", "")
    parameters = parse_qs(query, keep_blank_values=True) if query else {}
    fields, labels = (parameters.get(name, [""])[0] for name in ("fieldSelector", "labelSelector"))
    if verb == "delete":
        return "deletecollection", "", (fields, labels)
    watching = parameters.get("watch", ["false"])[0].lower() not in ("false", "0")
    return "watch" if watching else "list", _name_in(fields) if fields else "", (fields, labels)


def _name_in(selector: str) -> str:
    """The name that a field selector pins, if it can be one."""
    try:
        name = parse_fields(selector).equalities.get("metadata.name", "")
    except SelectorError:  # which the verb will refuse
        return ""
    return "" if path_segment(name) else name


def _after(path: str, segments: int) -> str:
    """What follows the first so many segments of the raw path: encoding and slashes are the backend's to read."""
    slashes = _SLASH.finditer(path, _LEADING.match(path).end())  # type: ignore[union-attr]  # it may match nothing
    return path[next(islice(slashes, segments - 1, None)).start() :]
