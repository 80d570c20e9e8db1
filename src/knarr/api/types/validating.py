"""What is wrong with an object: the schema's own demands and those of the rules, in upstream's words.

Below a kind's `status` the schema demands nothing: components write it, and upstream validates by hand what it must.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from functools import cache
from typing import Any, NamedTuple

from knarr.api.kind import JSON, Rules
from knarr.api.types.attached import rules_of
from knarr.api.types.shapes import ListOf, MapOf, Reach, Scalar, Shape, Struct
from knarr.machinery import fielderrors, quantity
from knarr.machinery.fielderrors import FieldError
from knarr.machinery.remembering import Seen

Validator = Callable[[Any, str, list[FieldError]], None]  # (value, its path, where to put errors)


class Check(NamedTuple):
    """A field's check, and values of which is known that they pass: most are among them, and cost no call."""

    good: Container[Any]
    run: Validator


# Lists that the schema calls maps and whose keys upstream does not check: equal keys only make apply ambiguous.
_DUPLICATES_ALLOWED = frozenset(
    {
        *("conditions", "env", "hostAliases", "imagePullSecrets", "ownerReferences", "ports", "secrets"),
        *("topologySpreadConstraints", "volumeMounts"),  # the rules say it otherwise
    }
)
_POINTERS = frozenset(  # structs that are required and may be absent to Go
    {
        "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector",
        "io.k8s.api.core.v1.LocalObjectReference",
        "io.k8s.api.core.v1.SecretReference",
    }
)
_EMPTY: tuple[Any, ...] = (None, "", [], {})
_UNSET = (None, "")
_NANO = 10**9
_NOTHING: Container[Any] = ()
_INTEGERS = (Scalar("int32"), Scalar("int64"))
_NUMBERS = (*_INTEGERS, Scalar("bool"), Scalar("float64"))
_REMEMBERED = 1000  # names that each check keeps


def validator(shape: Shape) -> Validator:
    return _validator(shape, strict=True) if _REACHES[True](shape) else _nothing


def change_validator(shape: Shape) -> Callable[[JSON, JSON, list[FieldError]], None]:
    """Validates (new, old): of the top-level fields only those that differ, as the others were valid before."""
    if not isinstance(shape, Struct):
        return lambda new, old, errors: None
    rules = rules_of(shape.name)
    checks, needed = _checks(shape, rules, strict=True), _needed(shape, rules, strict=True)
    whole = [rule.validate for rule in rules if rule.validate]

    def validate(new: JSON, old: JSON, errors: list[FieldError]) -> None:
        for name, need in needed.items():
            if new.get(name) in need.empty:
                need.report(name, errors)
        for name, item in new.items():
            if name in checks and (name not in old or item != old[name]):
                good, check = checks[name]
                if item not in good:
                    check(item, name, errors)
        for validate_whole in whole:
            errors.extend(validate_whole(new, ""))

    return validate


def _nothing(value: Any, path: str, errors: list[FieldError]) -> None:
    return None


@cache
def _validator(shape: Shape, strict: bool) -> Validator:
    match shape:
        case Struct():
            return _struct(shape, strict)
        case ListOf(item):
            return _list(_validator(item, strict))
        case MapOf(value):
            return _map(_validator(value, strict))
        case _:
            return _nothing


def _list(validate_item: Validator) -> Validator:
    def validate(value: Any, path: str, errors: list[FieldError]) -> None:
        for index, item in enumerate(value):
            validate_item(item, f"{path}[{index}]", errors)

    return validate


def _map(validate_value: Validator) -> Validator:
    def validate(value: Any, path: str, errors: list[FieldError]) -> None:
        for key, item in value.items():
            validate_value(item, f"{path}[{key}]", errors)

    return validate


def _struct(shape: Struct, strict: bool) -> Validator:
    rules = rules_of(shape.name)
    needed = list(_needed(shape, rules, strict).items())
    whole = [(rule.when, rule.validate) for rule in rules if rule.validate]
    checks: dict[str, Check] | None = None  # found at first use: shapes may be recursive

    def validate(value: JSON, path: str, errors: list[FieldError]) -> None:
        nonlocal checks
        if checks is None:
            checks = _checks(shape, rules, strict)
        for name, need in needed:
            found = value.get(name)
            if not found and found in need.empty:
                need.report(_join(path, name), errors)
        if checks:
            for name, item in value.items():
                if name in checks:
                    good, check = checks[name]
                    if item not in good:
                        check(item, f"{path}.{name}" if path else name, errors)
        for when, validate_whole in whole:
            if not when or not when.isdisjoint(value):
                errors.extend(validate_whole(value, path))

    return validate


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


class Need(NamedTuple):
    """That a field must be there: the values that count as absent, and what to say then.

    What is a struct to Go and no pointer is always there: without it, its own fields are what is missing.
    """

    empty: tuple[Any, ...]
    detail: str = ""
    inside: Validator | None = None

    def report(self, path: str, errors: list[FieldError]) -> None:
        if self.inside:
            self.inside({}, path, errors)
        else:
            errors.append(fielderrors.required(path, self.detail))


def _needed(shape: Struct, rules: tuple[Rules, ...], strict: bool) -> dict[str, Need]:
    """The fields that must be there."""
    details = {name: detail for rule in rules for name, detail in rule.demands.items()}
    ruled = {name: _EMPTY for rule in rules for name in (*rule.required, *rule.demands)}
    bounded = {name for rule in rules for name in rule.bounds}
    demanded = (name for name in shape.required if strict and (name in bounded or not _may_be_zero(shape, name)))
    undemanded = {name for rule in rules for name in rule.undemanded}
    found = {name: Need(_UNSET, "", _inside(shape, name)) for name in demanded if name not in undemanded}
    return found | {name: Need(empty, details.get(name, "")) for name, empty in ruled.items()}


def _inside(shape: Struct, name: str) -> Validator | None:
    found = shape.fields[name].shape if name in shape.fields else None
    return _validator(found, strict=True) if isinstance(found, Struct) and found.name not in _POINTERS else None


def _may_be_zero(shape: Struct, name: str) -> bool:
    """A number that is not there is zero to Go, a switch is off, and a list is empty, which protobuf cannot tell from
    none; whether that is good the rules tell.
    """
    found = shape.fields[name].shape if name in shape.fields else None
    return found in _NUMBERS or isinstance(found, ListOf | MapOf)


def _checks(shape: Struct, rules: tuple[Rules, ...], strict: bool) -> dict[str, Check]:
    """Each field's check, for the fields that have any."""
    found = {}
    for name, field in shape.fields.items():
        below = strict and not (shape.is_kind and name == "status")
        checks = [*_own_checks(name, field.shape, rules, below), *_inner_checks(field.shape, below)]
        if checks:
            check = checks[0] if len(checks) == 1 else Check(_NOTHING, _all(checks))
            found[name] = _remembering(check) if any(name in rule.repeated for rule in rules) else check
    return found


def _remembering(check: Check) -> Check:
    """The check of a composite, which remembers what passed: the Pods of a Deployment differ in hardly anything."""
    seen = Seen()

    def validate(value: Any, path: str, errors: list[FieldError]) -> None:
        before = len(errors)
        check.run(value, path, errors)
        if len(errors) == before:
            seen.add(value)

    return Check(seen, validate)


def _inner_checks(shape: Shape, strict: bool) -> list[Check]:
    return [Check(_NOTHING, _validator(shape, strict))] if _REACHES[strict](shape) else []


def _own_checks(name: str, shape: Shape, rules: tuple[Rules, ...], strict: bool) -> Iterable[Check]:
    for rule in rules:
        if name in rule.enums:
            yield _texts(shape, _enum(frozenset(rule.enums[name])))
        if name in rule.names:
            yield _texts(shape, _name(rule.names[name]))
        if name in rule.bounds:
            yield _bounds(shape, *rule.bounds[name])
        if name in rule.sizes:
            yield Check(_NOTHING, _size(rule.sizes[name]))
    if strict and _has_unique_items(name, shape):
        assert isinstance(shape, ListOf)
        yield Check(_NOTHING, _unique(shape.keys))


def _has_unique_items(name: str, shape: Shape) -> bool:
    return isinstance(shape, ListOf) and bool(shape.keys) and name not in _DUPLICATES_ALLOWED


def _all(checks: list[Check]) -> Validator:
    def validate(value: Any, path: str, errors: list[FieldError]) -> None:
        for good, check in checks:
            if value not in good:
                check(value, path, errors)

    return validate


def _texts(shape: Shape, check: Check) -> Check:
    """A check of a text, or of every text of a list; an empty text is an absent one."""
    good, run = check
    if not isinstance(shape, ListOf):
        return check

    def validate(value: Any, path: str, errors: list[FieldError]) -> None:
        for index, item in enumerate(value):
            if item not in good:
                run(item, f"{path}[{index}]", errors)

    return Check(_NOTHING, validate)


def _enum(allowed: frozenset[str]) -> Check:
    def validate(value: Any, path: str, errors: list[FieldError]) -> None:
        errors.append(fielderrors.not_supported(path, value, allowed))

    return Check(allowed | {""}, validate)


def _name(check: Callable[[str], Iterable[str]]) -> Check:
    """Names that were good are remembered, as the same few come with every object."""
    good = {""}

    def validate(value: Any, path: str, errors: list[FieldError]) -> None:
        if messages := check(value):
            errors.extend(fielderrors.invalid(path, value, message) for message in messages)
            return
        if len(good) > _REMEMBERED:
            good.clear()
            good.add("")
        good.add(value)

    return Check(good, validate)


def _size(most: int) -> Validator:
    def validate(value: Any, path: str, errors: list[FieldError]) -> None:
        if len(value) > most:
            errors.append(fielderrors.too_many(path, len(value), most))

    return validate


def _bounds(shape: Shape, low: int | None, high: int | None) -> Check:
    """Inclusive bounds of an integer, a quantity, or every value of a map; a text such as `25%` has none."""
    if isinstance(shape, MapOf):
        return Check(_NOTHING, _map(_bounds(shape.value, low, high).run))
    lowest, highest = -(2**63) if low is None else low, 2**63 if high is None else high
    message = _bounds_message(low, high)

    def validate_number(value: Any, path: str, errors: list[FieldError]) -> None:
        if type(value) is int and not lowest <= value <= highest:
            errors.append(fielderrors.invalid(path, value, message))

    def validate_quantity(value: Any, path: str, errors: list[FieldError]) -> None:
        if not lowest * _NANO <= quantity.parse(value).nano <= highest * _NANO:
            errors.append(fielderrors.invalid(path, value, message))

    if shape == Scalar("quantity"):
        return Check(_NOTHING, validate_quantity)
    return Check(range(lowest, highest + 1) if shape in _INTEGERS else _NOTHING, validate_number)


def _bounds_message(low: int | None, high: int | None) -> str:
    if low is None:
        return f"must be less than or equal to {high}"
    return f"must be greater than or equal to {low}" if high is None else f"must be between {low} and {high}, inclusive"


def _unique(keys: tuple[str, ...]) -> Validator:
    """Items of a list that is a map differ in its keys; with one key the error is at the key's field."""

    def identity(item: JSON) -> Any:
        return item.get(keys[0]) if len(keys) == 1 else {key: item[key] for key in keys if key in item}

    def validate(value: Any, path: str, errors: list[FieldError]) -> None:
        seen: list[Any] = []
        for index, item in enumerate(value):
            if (found := identity(item)) in seen:
                place = f"{path}[{index}].{keys[0]}" if len(keys) == 1 else f"{path}[{index}]"
                errors.append(fielderrors.duplicate(place, found))
            seen.append(found)

    return validate


def _demands(shape: Struct) -> bool:
    return bool(shape.required) or any(_has_unique_items(name, field.shape) for name, field in shape.fields.items())


def _is_ruled(shape: Struct) -> bool:
    rules = rules_of(shape.name)
    return any(r.required or r.demands or r.enums or r.bounds or r.sizes or r.names or r.validate for r in rules)


_REACHES = {True: Reach(lambda shape: _demands(shape) or _is_ruled(shape)), False: Reach(_is_ruled)}
