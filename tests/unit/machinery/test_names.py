"""Names: what is good, and upstream's words for what is not."""

from __future__ import annotations

import random

import pytest

from knarr.machinery import names

LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
PART = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
HEADER = (
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for "
    "validation is '[-A-Za-z0-9]+')"
)


def shown(value: object) -> str:
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(
    ("check", "name"),
    [
        (names.dns1123_label, "web-1"),
        (names.dns1123_label, "1" * 63),
        (names.dns1123_subdomain, "a.b-c.d"),
        (names.dns1035_label, "web-1"),
        (names.wildcard_dns1123_subdomain, "*.example.com"),
        (names.qualified_name, "example.com/My_Name.1"),
        (names.qualified_name, "app"),
        (names.label_value, ""),
        (names.label_value, "v1.2_3"),
        (names.config_key, ".bashrc"),
        (names.env_var_name, "any thing!"),
        (names.port_name, "http-2"),
        (names.path_segment, "system:node"),
        (names.ip, "2001:db8::1"),
        (names.percent, "25%"),
        (names.c_identifier, "_x1"),
    ],
    ids=shown,
)
def test_good_names(check: names.Check, name: str) -> None:
    assert check(name) == []


@pytest.mark.parametrize(
    ("check", "name", "messages"),
    [
        (names.dns1123_label, "Web", [LABEL]),
        (names.dns1123_label, "web-", [LABEL]),
        (names.dns1123_label, "web.v1", ["must not contain dots"]),
        (names.dns1123_label, "web..v1", [LABEL]),
        (names.dns1123_label, "w" * 62 + ".v1", ["must be no more than 63 bytes", "must not contain dots"]),
        (names.dns1123_label, "web\n", [LABEL]),
        (names.dns1123_label, "", [LABEL]),
        (names.dns1123_label, "a" * 64, ["must be no more than 63 bytes"]),
        (names.http_header_name, "a b", [HEADER]),
        (names.qualified_name, "/app", ["prefix part must be non-empty"]),
        (names.qualified_name, "a/", ["name part must be non-empty", f"name part {PART}"]),
        (
            names.qualified_name,
            "a/b/c",
            [f"a qualified name {PART} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"],
        ),
        (names.config_key, "..", ["must not be '..'"]),
        (names.config_key, "..a", ["must not start with '..'"]),
        (
            names.env_var_name,
            "a=b",
            ["a valid environment variable name must consist only of printable ASCII characters other than '='"],
        ),
        (
            names.port_name,
            "-8080--",
            [
                "must contain at least one letter (a-z)",
                "must not contain consecutive hyphens",
                "must not begin or end with a hyphen",
            ],
        ),
        (names.path_segment, "a/b%", ["may not contain '/'", "may not contain '%'"]),
        (names.path_segment, "..", ["may not be '..'"]),
        (names.ip, "10.1.1", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
        (names.ip, "fe80::1%eth0", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
    ],
    ids=shown,
)
def test_bad_names(check: names.Check, name: str, messages: list[str]) -> None:
    assert check(name) == messages


def test_port_numbers_are_in_range() -> None:
    assert names.port_number(65535) == []
    assert names.port_number(0) == ["must be between 1 and 65535, inclusive"]


def test_a_prefix_may_end_with_a_dash() -> None:
    assert names.prefix_of(names.dns1123_label)("web-") == []
    assert names.prefix_of(names.dns1123_label)("Web-") == [LABEL]


def test_a_derived_suffix_is_the_same_for_the_same_text() -> None:
    suffix = names.derived_suffix("default")
    assert (suffix, len(suffix)) == (names.derived_suffix("default"), 5)
    assert suffix != names.derived_suffix("other")
    assert set(suffix) <= set("bcdfghjklmnpqrstvwxz2456789")


def test_generated_names_fit_a_label_and_have_no_vowels() -> None:
    name = names.generate_name("x" * 80, random.Random(1))
    assert len(name) == 63
    assert set(name[-5:]) <= set("bcdfghjklmnpqrstvwxz2456789")
