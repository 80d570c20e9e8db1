from __future__ import annotations

import pytest

from knarr.api.custom.formats import format_of

GOOD = {
    "date-time": "2020-01-02T03:04:05.5Z",
    "datetime": "2020-01-02T03:04:05+02:00",
    "date": "2020-02-29",
    "duration": "1h30m",
    "ipv4": "1.2.3.4",
    "ipv6": "fe80::1",
    "cidr": "10.0.0.1/8",
    "mac": "00:1b:44:11:3a:b7",
    "uuid4": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "uri": "https://example.com/a?b=c",
    "email": "A <a@example.com>",
    "hostname": "a.example.com",
    "byte": "aGVsbG8=",
    "isbn": "0-306-40615-2",
    "isbn13": "978-3-16-148410-0",
    "creditcard": "4111 1111 1111 1111",
    "ssn": "123-45-6789",
    "hexcolor": "#ff00AA",
    "rgbcolor": "rgb(1, 20, 255)",
    "bsonobjectid": "507f1f77bcf86cd799439011",
    "k8s-short-name": "a-b",
    "k8s-long-name": "a.b",
}
BAD = {
    "date-time": "2020-01-02",
    "date": "2020-02-30",
    "duration": "soon",
    "ipv4": "1.2.3.400",
    "ipv6": "1.2.3.4",
    "cidr": "10.0.0.1",
    "mac": "00:1b",
    "uuid4": "f47ac10b-58cc-3372-a567-0e02b2c3d479",
    "uri": "no uri",
    "email": "a",
    "hostname": "-a",
    "byte": "???",
    "isbn": "0-306-40615-3",
    "creditcard": "4111 1111 1111 1112",
    "hexcolor": "red",
    "rgbcolor": "rgb(1, 2, 256)",
    "k8s-short-name": "A.b",
}


@pytest.mark.parametrize(("name", "text"), GOOD.items(), ids=GOOD)
def test_good(name: str, text: str) -> None:
    check = format_of(name)
    assert check is not None and check(text)


@pytest.mark.parametrize(("name", "text"), BAD.items(), ids=BAD)
def test_bad(name: str, text: str) -> None:
    check = format_of(name)
    assert check is not None and not check(text)


def test_what_is_known() -> None:
    assert [format_of(name) is not None for name in ("ipv4", "date-time", "datetime", "poem")] == [
        True,
        True,
        True,
        False,
    ]
