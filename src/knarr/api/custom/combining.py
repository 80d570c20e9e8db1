"""Schemas combined: allOf, anyOf, oneOf, not.

Upstream says of these which value they are about in the message alone: the place of the error is `<nil>`. What the
alternatives themselves have found is added; of several that failed, the first's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from knarr.machinery.fielderrors import FieldError, invalid

Validator = Callable[[Any, Any, str, list[FieldError]], None]  # (value, what it was, its path, where to put errors)

NOTHING: Final = object()  # what a value was that was not there, or that nobody can find again
NO_PLACE = "<nil>"  # where upstream finds what it cannot place

Outcome = list[list[FieldError]]  # of each alternative


def _outcome(parts: list[Validator], value: Any, old: Any, path: str) -> Outcome:
    found: Outcome = [[] for _ in parts]
    for part, errors in zip(parts, found, strict=True):
        part(value, old, path, errors)
    return found


def _unplaced(path: str, text: str) -> FieldError:
    return invalid(NO_PLACE, "", f'"{path}" {text}')


def all_of(parts: list[Validator]) -> Validator:
    """Holds where every part does."""

    def validate(value: Any, old: Any, path: str, errors: list[FieldError]) -> None:
        found = _outcome(parts, value, old, path)
        for part in found:
            errors.extend(part)
        if any(found):
            none = ". None validated" if all(found) else ""
            errors.append(_unplaced(path, f"must validate all the schemas (allOf){none}"))

    return validate


def any_of(parts: list[Validator]) -> Validator:
    """Holds where some part does."""

    def validate(value: Any, old: Any, path: str, errors: list[FieldError]) -> None:
        found = _outcome(parts, value, old, path)
        if all(found):
            errors.append(_unplaced(path, "must validate at least one schema (anyOf)"))
            errors.extend(found[0])

    return validate


def one_of(parts: list[Validator]) -> Validator:
    """Holds where one part does, and no other."""

    def validate(value: Any, old: Any, path: str, errors: list[FieldError]) -> None:
        found = _outcome(parts, value, old, path)
        valid = sum(not part for part in found)
        if valid == 0:
            errors.append(_unplaced(path, "must validate one and only one schema (oneOf). Found none valid"))
            errors.extend(found[0])
        elif valid > 1:
            many = f"must validate one and only one schema (oneOf). Found {valid} valid alternatives"
            errors.append(_unplaced(path, many))

    return validate


def none_of(part: Validator) -> Validator:
    def validate(value: Any, old: Any, path: str, errors: list[FieldError]) -> None:
        found: list[FieldError] = []
        part(value, NOTHING, path, found)
        if not found:
            errors.append(_unplaced(path, "must not validate the schema (not)"))

    return validate
