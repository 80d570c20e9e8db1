"""Transactions as text; that the kernel takes them is seen in tests/e2e/proxy."""

from __future__ import annotations

import pytest

from knarr.proxy.ruleset import Change, Place, deletion, frame, transaction, whole
from tests.unit.proxy.services import NETWORK

ELEMENT, MEMBER = Place("service-ports", "10.96.0.20 . tcp . 80"), Place("cluster-ips", "10.96.0.20")
CHAIN, SET, FLOW = Place("chain", "c"), Place("set", "s"), Place("flow", "10.96.0.20 53 10.244.0.1 53")


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        pytest.param(Change({}, {}), [], id="nothing"),
        pytest.param(Change({FLOW: ""}, {FLOW: ""}), [], id="flows are not in the table"),
        pytest.param(
            Change({}, {ELEMENT: "goto c", MEMBER: "", SET: "type ipv4_addr;", CHAIN: "accept\ndrop"}),
            [
                "add set inet t s { type ipv4_addr; }",
                "add chain inet t c",
                "add rule inet t c accept",
                "add rule inet t c drop",
                "add element inet t service-ports { 10.96.0.20 . tcp . 80 : goto c }",
                "add element inet t cluster-ips { 10.96.0.20 }",
            ],
            id="what is referred to comes first",
        ),
        pytest.param(
            Change({SET: "type ipv4_addr;", CHAIN: "accept", ELEMENT: "goto c", MEMBER: ""}, {}),
            [
                "flush chain inet t c",
                "delete element inet t service-ports { 10.96.0.20 . tcp . 80 }",
                "delete element inet t cluster-ips { 10.96.0.20 }",
                "delete chain inet t c",
                "delete set inet t s",
            ],
            id="and goes last",
        ),
        pytest.param(
            Change({CHAIN: "accept", ELEMENT: "drop"}, {CHAIN: "drop", ELEMENT: "goto c"}),
            [
                "flush chain inet t c",
                "delete element inet t service-ports { 10.96.0.20 . tcp . 80 }",
                "add chain inet t c",
                "add rule inet t c drop",
                "add element inet t service-ports { 10.96.0.20 . tcp . 80 : goto c }",
            ],
            id="a chain that changes stays, as others may refer to it",
        ),
    ],
)
def test_transaction(change: Change, lines: list[str]) -> None:
    assert transaction("t", change).splitlines() == lines


def test_the_whole_table_is_written_over_whatever_there_is() -> None:
    reset, rest = deletion("t"), frame("t", NETWORK) + transaction("t", Change({}, {MEMBER: ""}))
    assert reset == "table inet t {}\ndelete table inet t\n"
    assert whole("t", NETWORK, {MEMBER: ""}) == reset + rest
