"""Kubernetes' format library: named checks of strings.

https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-format-library
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from knarr.machinery import names
from knarr.machinery.cel.errors import CelError
from knarr.machinery.cel.functions import Extent, overload
from knarr.machinery.cel.libraries import costs, urls
from knarr.machinery.cel.times import parse_timestamp
from knarr.machinery.cel.values import NOTHING, Optional

_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_PATTERN_SIZE = 60  # characters of a format's pattern: what most are


@dataclass(frozen=True, slots=True, eq=False)
class Format:
    """A named check; it returns what is wrong."""

    cel_type: ClassVar[str] = "kubernetes.NamedFormat"
    name: str
    check: Callable[[str], list[str]]

    def __str__(self) -> str:
        return self.name


def _uri(text: str) -> list[str]:
    try:
        urls.parse(text)
    except CelError as error:
        return [str(error).partition("from string: ")[2]]
    return []


def _uuid(text: str) -> list[str]:
    return [] if _UUID.fullmatch(text) else ["does not match the UUID format"]


def _byte(text: str) -> list[str]:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ["invalid base64"]
    return []


def _date(text: str) -> list[str]:
    try:
        date.fromisoformat(text)
    except ValueError:
        return ["invalid date"]
    return [] if len(text) == len("2006-01-02") else ["invalid date"]


def _datetime(text: str) -> list[str]:
    try:
        parse_timestamp(text)
    except CelError:
        return ["invalid datetime"]
    return []


FORMATS: Mapping[str, Format] = {
    name: Format(shown, check)
    for name, shown, check in (
        ("dns1123Label", "DNS1123Label", names.dns1123_label),
        ("dns1123Subdomain", "DNS1123Subdomain", names.dns1123_subdomain),
        ("dns1035Label", "DNS1035Label", names.dns1035_label),
        ("qualifiedName", "QualifiedName", names.qualified_name),
        ("dns1123LabelPrefix", "DNS1123LabelPrefix", names.prefix_of(names.dns1123_label)),
        ("dns1123SubdomainPrefix", "DNS1123SubdomainPrefix", names.prefix_of(names.dns1123_subdomain)),
        ("dns1035LabelPrefix", "DNS1035LabelPrefix", names.prefix_of(names.dns1035_label)),
        ("labelValue", "LabelValue", names.label_value),
        ("uri", "URI", _uri),
        ("uuid", "uuid", _uuid),
        ("byte", "byte", _byte),
        ("date", "date", _date),
        ("datetime", "datetime", _datetime),
    )
}


def _named(name: str) -> Optional:
    return Optional(FORMATS[name]) if name in FORMATS else NOTHING


def _validate(format: Format, text: str) -> Optional:
    errors = format.check(text)
    return Optional(errors) if errors else NOTHING


def _validation(_: Extent, text: Extent) -> int:
    return costs.match(text, Extent(_PATTERN_SIZE))


def _constant(format: Format) -> Callable[[], Format]:
    return lambda: format


OVERLOADS = (
    overload("format.named(string) -> optional<kubernetes.NamedFormat>", _named),
    *(overload(f"format.{name}() -> kubernetes.NamedFormat", _constant(f)) for name, f in FORMATS.items()),
    overload("kubernetes.NamedFormat.validate(string) -> optional<list<string>>", _validate, _validation),
)
