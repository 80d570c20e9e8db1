"""What a schema demands of values, in the words of upstream's validator (k8s.io/kube-openapi, pkg/validation).

A validator is a closure over its schema. It is given what the value was before, where the two can be told to be the
same: what has not changed is not complained about (KEP-4008, ratcheting).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from knarr.api.custom.combining import NO_PLACE, NOTHING, Validator, all_of, any_of, none_of, one_of
from knarr.api.custom.descending import finder, into_fields, into_items, is_same
from knarr.api.custom.embedded import check_embedded
from knarr.api.custom.lazily import Lazily
from knarr.api.custom.lists import uniqueness
from knarr.api.custom.scalars import number_checks, text_checks
from knarr.api.kind import JSON
from knarr.machinery.fielderrors import FieldError, invalid, required, too_many
from knarr.machinery.trees import canonical_bytes

Check = Callable[[Any, str], Iterable[FieldError]]


def validator(schema: JSON) -> Validator:
    """Validates by a schema and all below it."""
    own, below = list(_own_checks(schema)), list(_below(schema))

    def validate(value: Any, old: Any, path: str, errors: list[FieldError]) -> None:
        if old is not NOTHING and is_same(value, old):
            return
        for check in own:
            errors.extend(check(value, path))
        for descend in below:
            descend(value, old, path, errors)

    return validate


def _own_checks(schema: JSON) -> Iterator[Check]:
    if types := _types(schema):
        yield _type(types, bool(schema.get("nullable")))
    if "enum" in schema:
        yield _enum(schema["enum"], bool(schema.get("nullable")))
    if texts := text_checks(schema):
        yield _only(str, texts)
    if numbers := number_checks(schema):
        yield lambda value, path: numbers(value, path) if is_number(value) else ()
    if counts := list(_count_checks(schema, "Items", "items")):
        yield _only(list, _all(counts))
    if counts := list(_count_checks(schema, "Properties", "properties")):
        yield _only(dict, _all(counts))
    if names := tuple(schema.get("required") or ()):
        yield _only(dict, _required(names))
    if twice := uniqueness(schema):
        yield _only(list, twice)
    if schema.get("x-kubernetes-embedded-resource"):
        yield _only(dict, check_embedded)


def _only(kind: type, check: Check) -> Check:
    return lambda value, path: check(value, path) if type(value) is kind else ()


def _all(checks: list[Check]) -> Check:
    return lambda value, path: [error for check in checks for error in check(value, path)]


def _types(schema: JSON) -> tuple[str, ...]:
    if schema.get("x-kubernetes-int-or-string"):
        return ("integer", "string")
    return (schema["type"],) if schema.get("type") else ()


def is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


_IS: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: type(value) is dict,
    "array": lambda value: type(value) is list,
    "string": lambda value: type(value) is str,
    "boolean": lambda value: type(value) is bool,
    "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
    "number": is_number,
}
_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


def _type(types: tuple[str, ...], nullable: bool) -> Check:
    wanted, tests = ",".join(types), [_IS[name] for name in types if name in _IS]

    def check(value: Any, path: str) -> Iterable[FieldError]:
        if any(test(value) for test in tests) or (value is None and nullable):
            return
        found = _NAMES.get(type(value), "null")
        yield type_invalid(path, found, f'{path} in body must be of type {wanted}: "{found}"')

    return check


def type_invalid(path: str, value: Any, detail: str) -> FieldError:
    """A value of the wrong type, or not of its format."""
    return FieldError(path or NO_PLACE, "FieldValueTypeInvalid", invalid("", value, detail).body)


def _enum(allowed: list[Any], nullable: bool) -> Check:
    known = {canonical_bytes(value) for value in allowed}
    listed = ", ".join(f'"{value if isinstance(value, str) else canonical_bytes(value).decode()}"' for value in allowed)

    def check(value: Any, path: str) -> Iterable[FieldError]:
        if canonical_bytes(value) in known or (value is None and nullable):
            return
        shown = invalid("", value, "").body.removeprefix("Invalid value: ")
        yield FieldError(path, "FieldValueNotSupported", f"Unsupported value: {shown}: supported values: {listed}")

    return check


def _count_checks(schema: JSON, suffix: str, nouns: str) -> Iterator[Check]:
    least, most = schema.get(f"min{suffix}"), schema.get(f"max{suffix}")
    if least:
        yield (
            lambda value, path: (
                [invalid(path or NO_PLACE, len(value), f"{path} in body should have at least {least} {nouns}")]
                if len(value) < least
                else ()
            )
        )
    if most is not None:
        yield lambda value, path: [too_many(path, len(value), most)] if len(value) > most else ()


def _required(names: tuple[str, ...]) -> Check:
    def check(value: Any, path: str) -> Iterable[FieldError]:
        prefix = f"{path}." if path else ""
        return [required(prefix + name) for name in names if name not in value]

    return check


def _below(schema: JSON) -> Iterator[Validator]:
    properties, additional = schema.get("properties"), schema.get("additionalProperties")
    rest = validator(additional) if isinstance(additional, dict) else None
    if properties or rest:
        yield into_fields(Lazily(properties, validator), rest, granular=schema.get("x-kubernetes-map-type") != "atomic")
    if isinstance(schema.get("items"), dict):
        yield into_items(validator(schema["items"]), finder(schema))
    yield from _junctors(schema)


def _junctors(schema: JSON) -> Iterator[Validator]:
    for name, combine in (("allOf", all_of), ("anyOf", any_of), ("oneOf", one_of)):
        if schema.get(name):
            yield combine([validator(part) for part in schema[name]])
    if isinstance(schema.get("not"), dict):
        yield none_of(validator(schema["not"]))
