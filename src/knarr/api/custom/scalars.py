"""What a schema demands of texts and numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from knarr.api.custom.formats import format_of
from knarr.api.kind import JSON
from knarr.machinery import regexes
from knarr.machinery.fielderrors import FieldError, invalid, too_long

Check = Callable[[Any, str], Iterable[FieldError]]

_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}


def text_checks(schema: JSON) -> Check | None:
    """Lengths in characters, the pattern, the format."""
    checks = [*_lengths(schema), *_pattern(schema), *_format(schema)]
    return _all(checks) if checks else None


def number_checks(schema: JSON) -> Check | None:
    """Bounds, multiples, and what a format can hold."""
    checks = [*_bounds(schema), *_multiple(schema), *_range(schema)]
    return _all(checks) if checks else None


def _all(checks: list[Check]) -> Check:
    def check(value: Any, path: str) -> Iterator[FieldError]:
        for one in checks:
            yield from one(value, path)

    return check


def _failing(test: Callable[[Any], bool], text: str) -> Check:
    """An error where the test is true."""
    return lambda value, path: [invalid(path, value, f"{path} in body {text}")] if test(value) else ()


def _lengths(schema: JSON) -> Iterator[Check]:
    most, least = schema.get("maxLength"), schema.get("minLength")
    if most is not None:
        yield lambda value, path: [too_long(path, most)] if len(value) > most else ()
    if least:
        yield _failing(lambda value: len(value) < least, f"should be at least {least} chars long")


def _pattern(schema: JSON) -> Iterator[Check]:
    if pattern := schema.get("pattern"):
        # compiled when first needed: a definition may have hundreds
        yield _failing(lambda value: regexes.compiled(pattern).search(value) is None, f"should match '{pattern}'")


def _format(schema: JSON) -> Iterator[Check]:
    name = schema.get("format") or ""
    if check := format_of(name):

        def validate(value: Any, path: str) -> Iterable[FieldError]:
            if not check(value):
                body = invalid("", value, f'{path} in body must be of type {name}: "{value}"').body
                yield FieldError(path, "FieldValueTypeInvalid", body)

        yield validate


def _bounds(schema: JSON) -> Iterator[Check]:
    most, least = schema.get("maximum"), schema.get("minimum")
    if most is not None:
        if schema.get("exclusiveMaximum"):
            yield _failing(lambda value: value >= most, f"should be less than {shown(most)}")
        else:
            yield _failing(lambda value: value > most, f"should be less than or equal to {shown(most)}")
    if least is not None:
        if schema.get("exclusiveMinimum"):
            yield _failing(lambda value: value <= least, f"should be greater than {shown(least)}")
        else:
            yield _failing(lambda value: value < least, f"should be greater than or equal to {shown(least)}")


def _multiple(schema: JSON) -> Iterator[Check]:
    if factor := schema.get("multipleOf"):
        yield _failing(lambda value: not _is_multiple(value, factor), f"should be a multiple of {shown(factor)}")


def _is_multiple(value: float, factor: float) -> bool:
    if isinstance(value, int) and isinstance(factor, int):
        return value % factor == 0
    return float(value / factor).is_integer()


def _range(schema: JSON) -> Iterator[Check]:
    name = schema.get("format")
    if schema.get("type") == "integer" and name in _RANGES:
        low, high = _RANGES[name]

        def validate(value: Any, path: str) -> Iterable[FieldError]:
            if not low <= value <= high:
                yield invalid("<nil>", "", f"Checked value must be of type integer with format {name} ({value})")

        yield validate


def shown(number: float) -> str:
    """A number as messages write it: whole ones without a fraction."""
    return str(int(number)) if float(number).is_integer() and abs(number) < 10**21 else str(number)
