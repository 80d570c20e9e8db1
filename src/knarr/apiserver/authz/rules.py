"""Rules of roles: what they allow, made fast to ask.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from knarr.api.kind import JSON
from knarr.api.paths import each
from knarr.apiserver.info import RequestInfo

GROUP = "rbac.authorization.k8s.io"
_MANY = 1000  # resources of one rule


class _Anything(frozenset[str]):
    """The set of all words."""

    def __contains__(self, word: object) -> bool:
        return True


_ANYTHING: Container[str] = _Anything()


class Rules:
    """Rules of one role, compiled: those that name their groups and resources are found at once, the others in turn."""

    __slots__ = ("_loose", "_named", "_paths")

    def __init__(self, rules: Iterable[JSON]) -> None:
        self._named: dict[tuple[str, str], list[tuple[Container[str], Container[str]]]] = {}
        self._loose: list[_Loose] = []
        self._paths: list[_Paths] = []
        for rule in rules:
            if each(rule, "nonResourceURLs"):
                self._paths.append(_Paths(rule))
            elif _is_loose(rule):
                self._loose.append(_Loose(rule))
            else:
                self._add(rule)

    def _add(self, rule: JSON) -> None:
        asked = _words(each(rule, "verbs")), _names(rule)
        for group in each(rule, "apiGroups"):
            for resource in each(rule, "resources"):
                self._named.setdefault((group, resource), []).append(asked)

    def allow(self, info: RequestInfo) -> bool:
        if not info.is_resource:
            return any(paths.allow(info) for paths in self._paths)
        resource = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
        for verbs, names in self._named.get((info.group, resource), ()):
            if info.verb in verbs and info.name in names:
                return True
        return any(loose.allow(info, resource) for loose in self._loose) if self._loose else False


def _is_loose(rule: JSON) -> bool:
    """Whether the resources that it is about are too many to be found one by one."""
    groups, resources = each(rule, "apiGroups"), each(rule, "resources")
    return "*" in groups or any("*" in resource for resource in resources) or len(groups) * len(resources) > _MANY


class _Loose:
    """A rule with a wildcard in its groups or resources, or with very many of them; of resources `*/scale` is a
    subresource of all.
    """

    __slots__ = ("_groups", "_names", "_resources", "_subresources", "_verbs")

    def __init__(self, rule: JSON) -> None:
        resources = each(rule, "resources")
        self._verbs, self._groups = _words(each(rule, "verbs")), _words(each(rule, "apiGroups"))
        self._resources, self._names = _words(resources), _names(rule)
        self._subresources = frozenset(resource[2:] for resource in resources if resource.startswith("*/")) - {""}

    def allow(self, info: RequestInfo, resource: str) -> bool:
        return (
            info.verb in self._verbs
            and info.group in self._groups
            and (resource in self._resources or info.subresource in self._subresources)
            and info.name in self._names
        )


class _Paths:
    """A rule on paths; `*` at the end of one stands for anything."""

    __slots__ = ("_exact", "_prefixes", "_verbs")

    def __init__(self, rule: JSON) -> None:
        paths = each(rule, "nonResourceURLs")
        self._verbs, self._exact = _words(each(rule, "verbs")), _words(paths)
        self._prefixes = tuple(path.rstrip("*") for path in paths if path.endswith("*"))

    def allow(self, info: RequestInfo) -> bool:
        return info.verb in self._verbs and (info.path in self._exact or info.path.startswith(self._prefixes))


def _words(words: Sequence[str]) -> Container[str]:
    return _ANYTHING if "*" in words else frozenset(words)


def _names(rule: JSON) -> Container[str]:
    """No names are all names, and a `*` is no wildcard here."""
    return frozenset(each(rule, "resourceNames")) or _ANYTHING
