"""The formats of strings that are checked; a schema may name others, which say nothing.

The list is that of k8s.io/kube-openapi, pkg/validation/strfmt, which is go-openapi's and Kubernetes' own.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date
from ipaddress import IPv4Address, IPv6Address, ip_network
from urllib.parse import urlsplit

from knarr.machinery import times
from knarr.machinery.names import dns1123_label, dns1123_subdomain

_LONGEST_HOSTNAME = 255
_MAC_DIGITS = (12, 16, 40)

Format = Callable[[str], bool]


def _matching(pattern: str, flags: int = 0) -> Format:
    match = re.compile(pattern, flags | re.ASCII).fullmatch
    return lambda text: match(text) is not None


def _readable(read: Callable[[str], object]) -> Format:
    def check(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return check


def _uri(text: str) -> bool:
    """An absolute URI or path, as Go's url.ParseRequestURI takes it."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(text) and not re.search(r"[\x00-\x20\x7f]", text) and (text.startswith("/") or bool(parts.scheme))


def _email(text: str) -> bool:
    """An RFC 5322 address, with or without a display name."""
    address = text[text.rfind("<") + 1 :].removesuffix(">") if text.endswith(">") else text
    local, at, domain = address.rpartition("@")
    return bool(at and local and domain and not re.search(r"[\s<>,;]", address))


def _mac(text: str) -> bool:
    """An address of 48, 64 or 160 bits: pairs of digits, or groups of four with dots."""
    for separator, size in ((":", 2), ("-", 2), (".", 4)):
        parts = text.split(separator)
        if len(parts) * size in _MAC_DIGITS and all(re.fullmatch(f"[0-9a-fA-F]{{{size}}}", part) for part in parts):
            return True
    return False


def _base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


_HEX = "[0-9a-f]"


def _uuid(version: str = "") -> Format:
    third = f"{version}{_HEX}{{3}}" if version else f"{_HEX}{{4}}"
    fourth = f"[89ab]{_HEX}{{3}}" if version in ("4", "5") else f"{_HEX}{{4}}"
    pattern = _HEX + "{8}-?" + _HEX + "{4}-?" + third + "-?" + fourth + "-?" + _HEX + "{12}"
    return _matching(pattern, re.IGNORECASE)


def _luhn(text: str) -> bool:
    digits = [int(digit) for digit in re.sub(r"[- ]", "", text) if digit.isdigit()]
    doubled = [
        sum(divmod(digit * 2, 10)) if odd else digit for odd, digit in zip(_alternating(), digits[::-1], strict=False)
    ]
    return 13 <= len(digits) <= 19 and sum(doubled) % 10 == 0


def _alternating() -> list[bool]:
    return [bool(at % 2) for at in range(19)]


def _isbn10(text: str) -> bool:
    digits = re.sub(r"[- ]", "", text)
    if not re.fullmatch(r"\d{9}[\dX]", digits):
        return False
    values = [10 if digit == "X" else int(digit) for digit in digits]
    return sum((10 - at) * value for at, value in enumerate(values)) % 11 == 0


def _isbn13(text: str) -> bool:
    digits = re.sub(r"[- ]", "", text)
    return (
        bool(re.fullmatch(r"\d{13}", digits)) and sum(int(d) * (1, 3)[at % 2] for at, d in enumerate(digits)) % 10 == 0
    )


_DNS_LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_is_hostname = _matching(rf"{_DNS_LABEL}(\.{_DNS_LABEL})*\.?")


def _hostname(text: str) -> bool:
    return len(text) <= _LONGEST_HOSTNAME and _is_hostname(text)


_DURATION_UNITS = r"(ns|nanos?|nanoseconds?|us|µs|μs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?"
_DURATION_UNITS += r"|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)"
_NAMED: dict[str, Format] = {
    "bsonobjectid": _matching(r"[0-9a-fA-F]{24}"),
    "uri": _uri,
    "email": _email,
    "hostname": _hostname,
    "ipv4": _readable(IPv4Address),
    "ipv6": _readable(IPv6Address),
    "cidr": lambda text: "/" in text and _readable(lambda given: ip_network(given, strict=False))(text),
    "mac": _mac,
    "uuid": _uuid(),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4"),
    "uuid5": _uuid("5"),
    "isbn": lambda text: _isbn10(text) or _isbn13(text),
    "isbn10": _isbn10,
    "isbn13": _isbn13,
    "creditcard": _luhn,
    "ssn": _matching(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "hexcolor": _matching(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "rgbcolor": _matching(r"rgb\(\s*((\d{1,2}|1\d\d|2[0-4]\d|25[0-5])\s*,\s*){2}(\d{1,2}|1\d\d|2[0-4]\d|25[0-5])\s*\)"),
    "byte": _base64,
    "password": lambda text: True,
    "date": _readable(date.fromisoformat),
    "duration": _matching(rf"[+-]?0|[+-]?((\d+(\.\d*)?|\.\d+)\s*{_DURATION_UNITS}\s*)+"),
    "datetime": _readable(times.parse_time),
    "date-time": _readable(times.parse_time),
    "k8s-short-name": lambda text: not dns1123_label(text),
    "k8s-long-name": lambda text: not dns1123_subdomain(text),
}
FORMATS: Mapping[str, Format] = {name.replace("-", ""): check for name, check in _NAMED.items()}


def format_of(name: str) -> Format | None:
    """The check of a format, whose name may have hyphens or not; None for what is not known."""
    return FORMATS.get(name.replace("-", ""))
