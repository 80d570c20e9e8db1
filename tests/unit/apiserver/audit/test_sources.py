"""Where a request is said to come from."""

from __future__ import annotations

import pytest

from knarr.apiserver.audit.sources import source_addresses, user_agent


@pytest.mark.parametrize(
    ("headers", "peer", "found"),
    [
        pytest.param({}, "10.0.0.1", ("10.0.0.1",), id="the peer"),
        pytest.param({"x-forwarded-for": "1.1.1.1, 2.2.2.2"}, "10.0.0.1", ("1.1.1.1", "2.2.2.2", "10.0.0.1"), id="way"),
        pytest.param({"x-forwarded-for": "1.1.1.1,10.0.0.1"}, "10.0.0.1", ("1.1.1.1", "10.0.0.1"), id="the peer last"),
        pytest.param({"x-forwarded-for": "nobody, 1.1.1.1"}, "10.0.0.1", ("1.1.1.1", "10.0.0.1"), id="no address"),
        pytest.param({"x-real-ip": "3.3.3.3"}, "10.0.0.1", ("3.3.3.3", "10.0.0.1"), id="the real one"),
        pytest.param(
            {"x-forwarded-for": "3.3.3.3", "x-real-ip": "3.3.3.3"}, "10.0.0.1", ("3.3.3.3", "10.0.0.1"), id="known"
        ),
        pytest.param({}, "::ffff:10.0.0.1", ("10.0.0.1",), id="IPv4 in IPv6"),
        pytest.param({}, "", (), id="nowhere"),
    ],
)
def test_addresses(headers: dict[str, str], peer: str, found: tuple[str, ...]) -> None:
    assert source_addresses(headers, peer) == found


def test_a_long_user_agent_is_cut() -> None:
    assert user_agent({"user-agent": "a" * 1024}) == "a" * 1024
    assert user_agent({"user-agent": "a" * 1025}) == "a" * 1024 + "...TRUNCATED"
