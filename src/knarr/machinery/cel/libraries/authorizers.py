"""Kubernetes' authorizer library: expressions ask what the request's user may do.

https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-authorizer-library
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from knarr.machinery.cel.functions import Extent, overload

CHECK_COST = 350_000  # so that an expression has room for two
_A = "kubernetes.authorization"


@dataclass(frozen=True, slots=True)
class Decision:
    """What an authorizer has to say; `error` is its own failure."""

    cel_type: ClassVar[str] = f"{_A}.Decision"
    allowed: bool
    reason: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is asked: a path, or a resource. `account` is the service account asked about (namespace, name), where it is
    not the request's user.
    """

    verb: str = ""
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""
    account: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Authorizer:
    """The value of an `authorizer` variable: `decide` answers for the request's user."""

    cel_type: ClassVar[str] = f"{_A}.Authorizer"
    decide: Callable[[Attributes], Decision]
    attributes: Attributes = Attributes()


@dataclass(frozen=True, slots=True)
class GroupCheck(Authorizer):
    """An authorizer with the group that is asked about."""

    cel_type: ClassVar[str] = f"{_A}.GroupCheck"


@dataclass(frozen=True, slots=True)
class ResourceCheck(Authorizer):
    """An authorizer with the resource that is asked about."""

    cel_type: ClassVar[str] = f"{_A}.ResourceCheck"


@dataclass(frozen=True, slots=True)
class PathCheck(Authorizer):
    """An authorizer with the path that is asked about."""

    cel_type: ClassVar[str] = f"{_A}.PathCheck"


def _narrowed(kind: type[Authorizer], field: str) -> Callable[[Authorizer, str], Authorizer]:
    def run(one: Authorizer, value: str) -> Authorizer:
        changed: dict[str, Any] = {field: value}
        return kind(one.decide, replace(one.attributes, **changed))

    return run


def _service_account(one: Authorizer, namespace: str, name: str) -> Authorizer:
    return Authorizer(one.decide, replace(one.attributes, account=(namespace, name)))


def _check(one: Authorizer, verb: str) -> Decision:
    return one.decide(replace(one.attributes, verb=verb))


def _check_cost(*_: Extent) -> int:
    return CHECK_COST


_NARROWING = {
    "subresource": "subresource",
    "namespace": "namespace",
    "name": "name",
    "fieldSelector": "field_selector",
    "labelSelector": "label_selector",
}

OVERLOADS = (
    overload(f"{_A}.Authorizer.path(string) -> {_A}.PathCheck", _narrowed(PathCheck, "path")),
    overload(f"{_A}.Authorizer.group(string) -> {_A}.GroupCheck", _narrowed(GroupCheck, "group")),
    overload(f"{_A}.Authorizer.serviceAccount(string, string) -> {_A}.Authorizer", _service_account),
    overload(f"{_A}.GroupCheck.resource(string) -> {_A}.ResourceCheck", _narrowed(ResourceCheck, "resource")),
    *(
        overload(f"{_A}.ResourceCheck.{name}(string) -> {_A}.ResourceCheck", _narrowed(ResourceCheck, field))
        for name, field in _NARROWING.items()
    ),
    overload(f"{_A}.PathCheck.check(string) -> {_A}.Decision", _check, _check_cost, priced=True),
    overload(f"{_A}.ResourceCheck.check(string) -> {_A}.Decision", _check, _check_cost, priced=True),
    overload(f"{_A}.Decision.allowed() -> bool", lambda decision: decision.allowed),
    overload(f"{_A}.Decision.reason() -> string", lambda decision: decision.reason),
    overload(f"{_A}.Decision.errored() -> bool", lambda decision: bool(decision.error)),
    overload(f"{_A}.Decision.error() -> string", lambda decision: decision.error),
)
