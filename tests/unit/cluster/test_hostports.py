"""What is taken out of the NAT table when a cluster ends."""

from __future__ import annotations

import pytest

from knarr.cluster.hostports import is_empty, removals

FIXED = """\
-P PREROUTING ACCEPT
-N CNI-HOSTPORT-DNAT
-N CNI-HOSTPORT-MASQ
-N CNI-HOSTPORT-SETMARK
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
-A POSTROUTING -s 10.9.0.0/16 -j MASQUERADE
-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
"""


def rule(network: str, chain: str) -> str:
    comment = f'"dnat name: \\"{network}\\" id: \\"71e5\\""'
    return f"-A CNI-HOSTPORT-DNAT -m comment --comment {comment} -m multiport --dports 80 -j {chain}\n"


MINE, OTHERS = rule("knarr", "CNI-DN-1"), rule("knarr-two", "CNI-DN-2")


def removed(listing: str) -> list[str]:
    return [" ".join(removal) for removal in removals(listing, "knarr")]


OURS_GONE = [
    '-D CNI-HOSTPORT-DNAT -m comment --comment dnat name: "knarr" id: "71e5" -m multiport --dports 80 -j CNI-DN-1',
    "-F CNI-DN-1",
    "-X CNI-DN-1",
]


def test_what_others_use_stays() -> None:
    assert removed(FIXED + MINE + OTHERS) == OURS_GONE


def test_what_nobody_uses_goes_too() -> None:
    assert removed(FIXED + MINE) == [
        *OURS_GONE,
        "-D PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
        "-D POSTROUTING -m comment --comment CNI portfwd requiring masquerade -j CNI-HOSTPORT-MASQ",
        "-F CNI-HOSTPORT-DNAT",
        "-F CNI-HOSTPORT-SETMARK",
        "-F CNI-HOSTPORT-MASQ",
        "-X CNI-HOSTPORT-DNAT",
        "-X CNI-HOSTPORT-SETMARK",
        "-X CNI-HOSTPORT-MASQ",
    ]


BASE = "table ip nat {\n\tchain PREROUTING {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t}\n}\n"


@pytest.mark.parametrize(
    ("table", "empty"),
    [
        pytest.param(BASE, True, id="base chains"),
        pytest.param("table ip6 nat {\n}\n", True, id="nothing"),
        pytest.param(BASE.replace("\t}\n}", "\t\tcounter jump DOCKER\n\t}\n}"), False, id="somebody's rule"),
        pytest.param("", False, id="no table"),
    ],
)
def test_only_a_table_without_rules_is_empty(table: str, empty: bool) -> None:
    assert is_empty(table) is empty
