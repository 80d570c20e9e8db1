"""The two ways in which a MutatingAdmissionPolicy changes an object: an apply configuration, or a JSON patch.

`Object{spec: Object.spec{replicas: 3}}` makes the one, `[JSONPatch{op: "add", path: "/spec/x", value: 1}]` the other.
https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from knarr.api.expressions import ExpressionError, Scope, compiled_in
from knarr.api.kind import JSON
from knarr.machinery.cel import DYN, STRING, CelType, Environment, Program, list_of, object_of
from knarr.machinery.cel.functions import overload
from knarr.machinery.fielderrors import FieldError, invalid, not_supported, required


class _AnyField(Mapping[str, CelType]):
    """Every name is a field, of any type: the object's schema is held against the result, not the expression."""

    def __getitem__(self, name: str) -> CelType:
        return DYN

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


OBJECT = object_of("Object", _AnyField())
PATCH = object_of("JSONPatch", {"op": STRING, "path": STRING, "from": STRING, "value": DYN})
_MEMBERS = {"ApplyConfiguration": ("applyConfiguration", OBJECT), "JSONPatch": ("jsonPatch", list_of(PATCH))}


def _escape_key(key: str) -> str:
    """A key as a part of a JSON Pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


_FUNCTIONS = {"jsonpatch.escapeKey": (overload("jsonpatch.escapeKey(string) -> string", _escape_key),)}


def _struct(name: str) -> CelType | None:
    if name == "JSONPatch":
        return PATCH
    return object_of(name, _AnyField()) if name == "Object" or name.startswith("Object.") else None


@lru_cache(maxsize=256)
def _environment(scope: Scope) -> Environment:
    return Environment(scope.environment().variables, _struct, _FUNCTIONS)


@lru_cache(maxsize=256)
def compiled_mutation(patch_type: str, expression: str, scope: Scope) -> Program:
    """The program of a mutation. Raises ExpressionError."""
    return compiled_in(_environment(scope), expression, (_MEMBERS[patch_type][1],))


def expression_of(mutation: JSON) -> str:
    """The expression of a valid mutation."""
    return str(mutation[_MEMBERS[mutation["patchType"]][0]]["expression"]).strip()


def check_mutation(mutation: JSON, path: str, scope: Scope) -> Iterable[FieldError]:
    """What is wrong with one mutation: exactly the member that its type names is given, and compiles."""
    kind = mutation.get("patchType") or ""
    if not kind:
        return  # which the schema asks for
    if kind not in _MEMBERS:
        yield not_supported(f"{path}.patchType", kind, _MEMBERS)
        return
    for other, (name, _) in _MEMBERS.items():
        if other != kind and mutation.get(name) is not None:
            yield invalid(f"{path}.{name}", f"{{{name}}}", f"must not be specified when patchType is {kind}")
    wanted = _MEMBERS[kind][0]
    if mutation.get(wanted) is None:
        yield required(f"{path}.{wanted}", f"must be specified when patchType is {kind}")
        return
    expression = (mutation[wanted].get("expression") or "").strip()
    if not expression:
        yield required(f"{path}.{wanted}.expression")
        return
    try:
        compiled_mutation(kind, expression, scope)
    except ExpressionError as error:
        yield invalid(f"{path}.{wanted}.expression", expression, str(error))
