"""The objects that a binding names as the parameters of its policy.

https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/#parameter-resources
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from knarr.api.kind import JSON, Kind, Version
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.encoding import from_storage
from knarr.apiserver.kinds import Kinds
from knarr.machinery.selectors import LabelSelector, from_label_selector


class ParamsError(Exception):
    """A binding whose parameters cannot be used; the words are upstream's."""


@dataclass(frozen=True, slots=True)
class ParamKind:
    """The kind of a policy's parameters."""

    group: str
    version: str
    kind: str

    def __str__(self) -> str:
        version = f"{self.group}/{self.version}" if self.group else self.version
        return f"&ParamKind{{APIVersion:{version},Kind:{self.kind},}}"

    def find(self, kinds: Kinds) -> tuple[Kind, Version]:
        """Raises ParamsError where it is not served."""
        for kind in kinds:
            if (kind.group, kind.kind) == (self.group, self.kind):
                for version in kind.versions:
                    if version.name == self.version:
                        return kind, version
        raise ParamsError(f"paramKind kind `{self}` not known")


@dataclass(frozen=True, slots=True)
class Params:
    """A paramRef: one object by its name, or all that a selector finds."""

    name: str
    namespace: str
    selector: LabelSelector | None
    required: bool  # finding none is a failure

    def collect(self, wanted: ParamKind, attributes: Attributes, kinds: Kinds) -> Sequence[JSON]:
        """The parameters for a write, in the version that the policy names. Raises ParamsError."""
        kind, version = wanted.find(kinds)
        namespace = self._place(kind, attributes)
        found = [from_storage(version, tree) for tree in self._stored(kind, namespace, attributes)]
        if not found and self.required:
            raise ParamsError("no params found for policy binding with `Deny` parameterNotFoundAction")
        return found

    def _place(self, kind: Kind, attributes: Attributes) -> str:
        """The namespace to look in: the one given, or the one written to."""
        if not kind.namespaced:
            if self.namespace:
                raise ParamsError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
            return ""
        namespace = self.namespace or attributes.namespace
        if not namespace:
            why = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
            raise ParamsError(why)
        return namespace

    def _stored(self, kind: Kind, namespace: str, attributes: Attributes) -> Sequence[JSON]:
        if self.name:
            found = attributes.lister.get(kind.group, kind.plural, namespace, self.name)
            return [found] if found else []
        selector, listed = self.selector, attributes.lister.list(kind.group, kind.plural, namespace)
        if selector is None:
            return []
        return [tree for tree in listed if selector.matches(tree["metadata"].get("labels") or {})]


def param_kind(given: JSON | None) -> ParamKind | None:
    if given is None:
        return None
    group, _, version = given["apiVersion"].rpartition("/")
    return ParamKind(group, version, given["kind"])


def params_of(ref: JSON | None) -> Params | None:
    if ref is None:
        return None
    selector = ref.get("selector")
    return Params(
        name=ref.get("name", ""),
        namespace=ref.get("namespace", ""),
        selector=None if selector is None else from_label_selector(selector),
        required=ref.get("parameterNotFoundAction") != "Allow",
    )
