"""What names may look like; each check returns upstream's messages, none when the name is good.

Sources: RFC 1035, RFC 1123, RFC 6335 and k8s.io/apimachinery, pkg/util/validation.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # no vowels, hence no words, nor what looks like one
_SUFFIX_LENGTH = 5
_GENERATED_LIMIT = 63  # characters of a generated name, suffix included

Check = Callable[[str], list[str]]


def too_long(limit: int) -> str:
    return f"must be no more than {limit} bytes"


def malformed(message: str, pattern: str, *examples: str) -> str:
    """The message of a failed pattern: what it asks, examples, the pattern itself."""
    if not examples:
        return f"{message} (regex used for validation is '{pattern}')"
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{message} (e.g. {shown}regex used for validation is '{pattern}')"


_LONGEST_REMEMBERED = 400  # characters


def _remembered(check: Check) -> Check:
    """The same check with a memory: the same few names come with every object. No text is kept that is no name."""
    remembered = lru_cache(maxsize=1024)(lambda name: tuple(check(name)))
    return lambda name: list(remembered(name)) if len(name) < _LONGEST_REMEMBERED else check(name)


def _pattern(limit: int, pattern: str, message: str, *examples: str) -> Check:
    """A check of length (0: any) and pattern."""
    match, length_error = re.compile(pattern).fullmatch, too_long(limit)
    pattern_error = malformed(message, pattern, *examples)

    @_remembered
    def check(name: str) -> list[str]:
        errors = [length_error] if limit and len(name.encode()) > limit else []
        return errors if match(name) else [*errors, pattern_error]

    return check


_label = _pattern(
    63,
    _LABEL,
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character",
    "my-name",
    "123-abc",
)
dns1123_subdomain = _pattern(
    253,
    _SUBDOMAIN,
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character",
    "example.com",
)


@_remembered
def dns1123_label(name: str) -> list[str]:
    """Of a name that would be good but for its dots, those are what is said."""
    errors = _label(name)
    if errors and not dns1123_subdomain(name):
        return [*errors[:-1], "must not contain dots"] if "." in name else errors
    return errors


wildcard_dns1123_subdomain = _pattern(
    253,
    rf"\*\.{_SUBDOMAIN}",
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    "*.example.com",
)
dns1035_label = _pattern(
    63,
    r"[a-z]([-a-z0-9]*[a-z0-9])?",
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    "my-name",
    "abc-123",
)
label_value = _pattern(
    63,
    rf"({_QUALIFIED})?",
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character",
    "MyValue",
    "my_value",
    "12345",
)
c_identifier = _pattern(
    0,
    r"[A-Za-z_][A-Za-z0-9_]*",
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters "
    "or '_'",
    "my_name",
    "MY_NAME",
    "MyName",
)
http_header_name = _pattern(
    0, r"[-A-Za-z0-9]+", "a valid HTTP header must consist of alphanumeric characters or '-'", "X-Header-Name"
)
percent = _pattern(
    0, r"[0-9]+%", "a valid percent string must be a numeric string followed by an ending '%'", "1%", "93%"
)
_config_key = _pattern(
    253,
    r"[-._a-zA-Z0-9]+",
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    "key.name",
    "KEY_NAME",
    "key-name",
)
_name_part = _pattern(
    63,
    _QUALIFIED,
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    "MyName",
    "my.name",
    "123-abc",
)


@_remembered
def qualified_name(name: str) -> list[str]:
    """A label key, annotation key or condition type: `[prefix/]name`."""
    prefix, slash, last = name.rpartition("/")
    if "/" in prefix:
        syntax = _name_part("")[-1]
        return [f"a qualified name {syntax} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    errors = [f"prefix part {e}" for e in _non_empty(prefix, dns1123_subdomain)] if slash else []
    return errors + [f"name part {e}" for e in ([] if last else ["must be non-empty"]) + _name_part(last)]


def _non_empty(text: str, check: Check) -> list[str]:
    return check(text) if text else ["must be non-empty"]


def config_key(key: str) -> list[str]:
    """A key of a ConfigMap or Secret; it may become a file's name."""
    return _config_key(key) + _parent_directory(key)


def _parent_directory(key: str) -> list[str]:
    if key in (".", ".."):
        return [f"must not be '{key}'"]
    return ["must not start with '..'"] if key.startswith("..") else []


def env_var_name(name: str) -> list[str]:
    """An environment variable's name (KEP-4369: any printable ASCII but `=`)."""
    errors = [] if name else ["environment variable name must be non-empty"]
    if name.isascii() and name.isprintable() and "=" not in name:
        return errors
    return [
        *errors,
        "a valid environment variable name must consist only of printable ASCII characters other than '='",
    ]


def port_name(name: str) -> list[str]:
    """A container port's name: an IANA service name (RFC 6335)."""
    findings = (
        (len(name) > 15, too_long(15)),
        (
            not re.fullmatch(r"[-a-z0-9]+", name),
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (not re.search(r"[a-z]", name), "must contain at least one letter (a-z)"),
        ("--" in name, "must not contain consecutive hyphens"),
        (name.startswith("-") or name.endswith("-"), "must not begin or end with a hyphen"),
    )
    return [message for wrong, message in findings if wrong]


def path_segment(name: str) -> list[str]:
    """A name that is only asked to fit into a URL path (rbac)."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{c}'" for c in "/%" if c in name]


def ip(text: str) -> list[str]:
    try:
        ip_address(text)
    except ValueError:
        return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    return [] if "%" not in text else ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]


def in_range(value: int, low: int, high: int) -> list[str]:
    return [] if low <= value <= high else [f"must be between {low} and {high}, inclusive"]


def port_number(port: int) -> list[str]:
    return in_range(port, 1, 65535)


def prefix_of(check: Check) -> Check:
    """The check for a `generateName`: a trailing dash will be followed by the suffix."""
    return lambda prefix: check(f"{prefix[:-1]}a" if prefix.endswith("-") else prefix)


def generate_suffix(source: random.Random, length: int = _SUFFIX_LENGTH) -> str:
    return "".join(source.choices(SAFE_ALPHABET, k=length))


@lru_cache(maxsize=1024)
def derived_suffix(text: str, length: int = _SUFFIX_LENGTH) -> str:
    """The same for the same text, and another for most others."""
    return "".join(SAFE_ALPHABET[byte % len(SAFE_ALPHABET)] for byte in sha256(text.encode()).digest()[:length])


def generate_name(base: str, source: random.Random) -> str:
    """`base` (cut so that all fits a DNS label) and a random suffix."""
    return base[: _GENERATED_LIMIT - _SUFFIX_LENGTH] + generate_suffix(source)


def joined(messages: Iterable[str]) -> str:
    return "; ".join(messages)
