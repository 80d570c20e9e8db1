"""Name resolution inside pods."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.kubelet.cri.runtime import DNS
from knarr.kubelet.dns import ClusterDNS, hosts_file, parse_resolv_conf, pod_dns, sandbox_hostname
from knarr.kubelet.interfaces import Addresses, ConfigError
from tests.unit.kubelet.pods import pod

HOST = DNS(("192.0.2.53",), ("example.com",), ("timeout:1",))
CLUSTER = ClusterDNS(("10.96.0.10",), "cluster.local", HOST)
SEARCHES = ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.com")


def test_the_hosts_configuration_is_read() -> None:
    text = "# comment\nnameserver 192.0.2.53\nsearch example.com .\noptions timeout:1\n"
    assert parse_resolv_conf(text) == HOST


CONFIG = {"nameservers": ["9.9.9.9"], "searches": ["x.test"], "options": [{"name": "ndots", "value": "2"}]}
POLICIES: dict[str, tuple[dict[str, Any], DNS]] = {
    "ClusterFirst": ({}, DNS(("10.96.0.10",), SEARCHES, ("ndots:5",))),
    "on the host's network": ({"hostNetwork": True}, HOST),
    "ClusterFirstWithHostNet": (
        {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"},
        DNS(("10.96.0.10",), SEARCHES, ("ndots:5",)),
    ),
    "Default": ({"dnsPolicy": "Default"}, HOST),
    "None": ({"dnsPolicy": "None", "dnsConfig": CONFIG}, DNS(("9.9.9.9",), ("x.test",), ("ndots:2",))),
    "with more": (
        {"dnsConfig": CONFIG},
        DNS(("10.96.0.10", "9.9.9.9"), (*SEARCHES, "x.test"), ("ndots:2",)),
    ),
}


@pytest.mark.parametrize(("spec", "expected"), POLICIES.values(), ids=POLICIES.keys())
def test_policy(spec: dict[str, Any], expected: DNS) -> None:
    assert pod_dns(pod(spec), CLUSTER) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, "web"),
        ({"hostname": "db"}, "db"),
        ({"hostNetwork": True}, ""),
        ({"subdomain": "sub", "setHostnameAsFQDN": True}, "web.sub.shop.svc.cluster.local"),
    ],
    ids=["name", "own", "host's", "full"],
)
def test_hostname(spec: dict[str, Any], expected: str) -> None:
    assert sandbox_hostname(pod(spec), "cluster.local") == expected


def test_hosts_file_names_the_pod_and_its_aliases() -> None:
    one = pod({"subdomain": "sub", "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a", "b"]}]})
    lines = hosts_file(one, Addresses(("10.0.0.5",)), "cluster.local", "").splitlines()
    assert lines[0] == "# Kubernetes-managed hosts file."
    assert "10.0.0.5\tweb.sub.shop.svc.cluster.local\tweb" in lines
    assert lines[-2:] == ["# Entries added by HostAliases.", "1.2.3.4\ta\tb"]


def test_an_overridden_hostname_is_no_name_in_dns() -> None:
    one = pod({"hostnameOverride": "db.example.com", "hostname": "a", "subdomain": "b", "setHostnameAsFQDN": True})
    assert sandbox_hostname(one, "cluster.local") == "db.example.com"
    assert "10.0.0.5\tdb.example.com\n" in hosts_file(one, Addresses(("10.0.0.5",)), "cluster.local", "")


def test_a_hostname_that_the_kernel_cannot_have_is_refused() -> None:
    one = pod({"hostname": "h" * 40, "subdomain": "s", "setHostnameAsFQDN": True})
    with pytest.raises(ConfigError, match=r"FQDN h+\.s\.shop\S+ is too long \(64 characters is the max, 65 "):
        sandbox_hostname(one, "cluster.local")
