"""Names to records, case by case of the DNS specification."""

from __future__ import annotations

import pytest

from knarr.dns.records import look_up, reverse
from tests.unit.dns.clusters import CLUSTER

ZONE = "cluster.local"


def answers(name: str, kind: str) -> list[str]:
    return [f"{record.type} {record.data}" for record in look_up(CLUSTER, ZONE, f"{name}.{ZONE}", kind).answers]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        pytest.param("web.default.svc", "A", ["A 10.96.0.7"], id="cluster IP"),
        pytest.param("db.default.svc", "A", ["A 10.244.0.5", "A 10.244.0.6"], id="headless: all ready endpoints"),
        pytest.param("early.default.svc", "A", ["A 10.244.0.9"], id="headless, publishing not ready addresses"),
        pytest.param("db-0.db.default.svc", "A", ["A 10.244.0.5"], id="endpoint with a hostname"),
        pytest.param("10-244-0-6.db.default.svc", "A", ["A 10.244.0.6"], id="endpoint without one"),
        pytest.param("10-244-0-3.default.pod", "A", ["A 10.244.0.3"], id="pod address"),
        pytest.param("dns-version", "TXT", ['TXT "1.1.0"'], id="version"),
        pytest.param(
            "_http._tcp.web.default.svc", "SRV", ["SRV 0 100 80 web.default.svc.cluster.local."], id="SRV of a Service"
        ),
        pytest.param(
            "_sql._tcp.db.default.svc",
            "SRV",
            [
                "SRV 0 100 5432 10-244-0-6.db.default.svc.cluster.local.",
                "SRV 0 100 5432 db-0.db.default.svc.cluster.local.",
            ],
            id="SRV of a headless Service",
        ),
        pytest.param("elsewhere.default.svc", "A", ["CNAME my.database.example.com."], id="external name"),
        pytest.param("literal.default.svc", "A", ["A 192.0.2.9"], id="external address"),
    ],
)
def test_answers(name: str, kind: str, expected: list[str]) -> None:
    assert answers(name, kind) == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param("web.default.svc", "AAAA", id="another type"),
        pytest.param("default.svc", "A", id="a namespace"),
        pytest.param("svc", "A", id="between the names"),
    ],
)
def test_no_data(name: str, kind: str) -> None:
    found = look_up(CLUSTER, ZONE, f"{name}.{ZONE}", kind)
    assert found.exists
    assert not found.answers


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("nobody.default.svc", id="no such Service"),
        pytest.param("web.other.svc", id="no such namespace"),
        pytest.param("empty.default.svc", id="headless without endpoints"),
        pytest.param("starting.default.svc", id="headless without ready endpoints"),
        pytest.param("db-9.db.default.svc", id="no such endpoint"),
        pytest.param("_ftp._tcp.web.default.svc", id="no such port"),
        pytest.param("1-2-3.default.pod", id="no address"),
        pytest.param("a.b.c.d.e.svc", id="too deep"),
    ],
)
def test_no_such_name(name: str) -> None:
    assert not look_up(CLUSTER, ZONE, f"{name}.{ZONE}", "A").exists


def test_srv_brings_the_addresses_of_its_targets() -> None:
    found = look_up(CLUSTER, ZONE, f"_http._tcp.web.default.svc.{ZONE}", "SRV")
    assert [(record.name, record.data) for record in found.additional] == [
        ("web.default.svc.cluster.local", "10.96.0.7")
    ]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("10.96.0.7", "web.default.svc.cluster.local.", id="Service"),
        pytest.param("10.244.0.5", "db-0.db.default.svc.cluster.local.", id="endpoint with a hostname"),
    ],
)
def test_reverse(address: str, expected: str) -> None:
    name = f"{'.'.join(reversed(address.split('.')))}.in-addr.arpa"
    found = reverse(CLUSTER, ZONE, name, "PTR")
    assert found
    assert [record.data for record in found.answers] == [expected]


def test_reverse_of_a_foreign_address_is_not_ours() -> None:
    assert reverse(CLUSTER, ZONE, "1.2.0.192.in-addr.arpa", "PTR") is None
