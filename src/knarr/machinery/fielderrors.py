"""What is wrong with one field, in upstream's words (k8s.io/apimachinery, pkg/util/validation/field)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field error: `str()` is "path: what: detail", `reason` the machine's word for it."""

    path: str
    reason: str
    body: str

    def __str__(self) -> str:
        return f"{self.path}: {self.body}" if self.path else self.body


def _shown(value: Any) -> str:
    """A bad value as the message shows it: strings quoted, composites as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return str(value)
    return msgspec.json.encode(value).decode()


def _with_detail(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text


def required(path: str, detail: str = "") -> FieldError:
    return FieldError(path, "FieldValueRequired", _with_detail("Required value", detail))


OMITTED = object()  # in place of a value that a message does not show


def invalid(path: str, value: Any, detail: str) -> FieldError:
    if value is OMITTED:
        return FieldError(path, "FieldValueInvalid", f"Invalid value: {detail}")
    return FieldError(path, "FieldValueInvalid", _with_detail(f"Invalid value: {_shown(value)}", detail))


def duplicate(path: str, value: Any) -> FieldError:
    return FieldError(path, "FieldValueDuplicate", f"Duplicate value: {_shown(value)}")


def forbidden(path: str, detail: str) -> FieldError:
    return FieldError(path, "FieldValueForbidden", _with_detail("Forbidden", detail))


def not_found(path: str, value: Any, detail: str = "") -> FieldError:
    return FieldError(path, "FieldValueNotFound", _with_detail(f"Not found: {_shown(value)}", detail))


def not_supported(path: str, value: Any, supported: Iterable[str], *, in_order: bool = False) -> FieldError:
    """An enum's bad value; the supported ones are listed quoted, and sorted unless they come in upstream's order."""
    listed = ", ".join(_shown(s) for s in (supported if in_order else sorted(supported)))
    return FieldError(path, "FieldValueNotSupported", f"Unsupported value: {_shown(value)}: supported values: {listed}")


def too_long(path: str, limit: int) -> FieldError:
    return FieldError(path, "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")


def too_many(path: str, actual: int, limit: int) -> FieldError:
    return FieldError(path, "FieldValueTooMany", f"Too many: {actual}: must have at most {limit} items")


def internal(path: str, detail: str) -> FieldError:
    return FieldError(path, "InternalError", f"Internal error: {detail}")
