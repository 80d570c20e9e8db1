"""Which writes a webhook or a policy is about: rules, scope, selectors, and other versions of the same resource.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-rules
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from knarr.api.kind import JSON, Kind, Version
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.kinds import Kinds
from knarr.machinery.errors import NotFound
from knarr.machinery.selectors import LabelSelector, from_label_selector

CONFIGURATION = "admissionregistration.k8s.io"  # the group of what configures admission


@dataclass(frozen=True, slots=True)
class Match:
    """The resource and version by which a write was matched: the form in which it is to be shown."""

    kind: Kind
    version: Version

    @property
    def resource(self) -> tuple[str, str, str]:
        """Group, version and plural."""
        return self.kind.group, self.version.name, self.kind.plural


def is_exempt(attributes: Attributes) -> bool:
    """Nobody may lock himself out: what configures admission is not subject to it."""
    return attributes.kind.group == CONFIGURATION


@dataclass(frozen=True, slots=True)
class Rule:
    """A RuleWithOperations, or one with resourceNames."""

    operations: frozenset[str]
    groups: frozenset[str]
    versions: frozenset[str]
    resources: tuple[tuple[str, str], ...]  # with their subresources
    scope: str
    names: frozenset[str]

    @classmethod
    def of(cls, rule: JSON) -> Rule:
        resources = tuple(given.partition("/")[::2] for given in rule.get("resources") or ())
        return cls(
            operations=frozenset(rule.get("operations") or ()),
            groups=frozenset(rule.get("apiGroups") or ()),
            versions=frozenset(rule.get("apiVersions") or ()),
            resources=resources,
            scope=rule.get("scope") or "*",
            names=frozenset(rule.get("resourceNames") or ()),
        )

    def matches(self, attributes: Attributes, match: Match) -> bool:
        return (
            _among(attributes.operation, self.operations)
            and _among(match.kind.group, self.groups)
            and _among(match.version.name, self.versions)
            and any(
                resource in ("*", match.kind.plural) and subresource in ("*", attributes.subresource)  # "*": none, too
                for resource, subresource in self.resources
            )
            and (self.scope == "*" or (self.scope == "Namespaced") == bool(attributes.namespace))
            and (not self.names or attributes.name in self.names)
        )


def _among(value: str, allowed: frozenset[str]) -> bool:
    return value in allowed or "*" in allowed


class Matcher:
    """Rules and selectors, compiled. `rules` None is no demand at all; `excluded` rules win over the others."""

    def __init__(
        self,
        rules: Sequence[JSON] | None,
        *,
        excluded: Iterable[JSON] = (),
        equivalent: bool = True,
        namespaces: JSON | None = None,
        objects: JSON | None = None,
    ) -> None:
        self._rules = None if rules is None else [Rule.of(rule) for rule in rules]
        self._excluded = [Rule.of(rule) for rule in excluded]
        self._equivalent = equivalent
        self._namespaces = from_label_selector(namespaces or {})
        self._objects = from_label_selector(objects or {})

    def match(self, attributes: Attributes, kinds: Kinds) -> Match | None:
        """How the write is matched; None where it is not. Raises NotFound for a namespace that is not there."""
        if not self._selects_object(attributes):
            return None
        exact = Match(attributes.kind, attributes.version)
        if self._finds(self._excluded, attributes, exact, kinds):
            return None
        found = exact if self._rules is None else self._finds(self._rules, attributes, exact, kinds)
        return found if found and self._selects_namespace(attributes) else None

    def _finds(self, rules: Sequence[Rule], attributes: Attributes, exact: Match, kinds: Kinds) -> Match | None:
        """Exactly as asked, or by the first rule that knows the resource under another name."""
        if any(rule.matches(attributes, exact) for rule in rules):
            return exact
        if not self._equivalent or not rules:
            return None
        others = list(_equivalents(exact, kinds))
        return next((other for rule in rules for other in others if rule.matches(attributes, other)), None)

    def _selects_object(self, attributes: Attributes) -> bool:
        """The new object or the old one."""
        return self._objects.everything or any(
            _has_labels(tree, self._objects) for tree in (attributes.object, attributes.old)
        )

    def _selects_namespace(self, attributes: Attributes) -> bool:
        """What is in no namespace is never left out; a Namespace has its own labels."""
        if self._namespaces.everything:
            return True
        is_namespace = attributes.kind.qualified_resource == "namespaces"
        if is_namespace and not attributes.subresource and attributes.object is not None:
            return self._namespaces.matches(attributes.object["metadata"].get("labels") or {})
        name = attributes.name if is_namespace else attributes.namespace
        if not name:
            return True
        namespace = attributes.lister.get("", "namespaces", "", name)
        if namespace is None:
            raise NotFound(f'namespaces "{name}" not found', kind="namespaces", name=name)
        return self._namespaces.matches(namespace["metadata"].get("labels") or {})


def _has_labels(tree: JSON | None, selector: LabelSelector) -> bool:
    return tree is not None and "metadata" in tree and selector.matches(tree["metadata"].get("labels") or {})


def _equivalents(exact: Match, kinds: Kinds) -> Iterator[Match]:
    """The same objects under other versions, or in another group."""
    for kind in kinds.sharing(exact.kind.prefix):
        for version in kind.versions:
            if (kind.group, version.name) != (exact.kind.group, exact.version.name):
                yield Match(kind, version)
