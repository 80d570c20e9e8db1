"""Which Pods are behind a Service, and how they answer."""

from __future__ import annotations

import pytest

from knarr.client.objects import Meta
from knarr.controllers.backends.services import (
    Service,
    ServicePort,
    ServiceSpec,
    address_of,
    host_name,
    port_number,
)
from knarr.controllers.backends.triggers import TriggerTimes
from knarr.controllers.endpointslice import desired, labels_of
from knarr.controllers.objects import Condition, Container, ContainerPort, Pod, PodIP, PodSpec, PodStatus

LABELS = {"app": "web"}
SIDECAR = Container(restart_policy="Always", ports=(ContainerPort(name="side", container_port=15001),))
SETUP = Container(ports=(ContainerPort(name="setup", container_port=1),))
WEB = Container(ports=(ContainerPort(name="http", container_port=8080),))


def service(*ports: ServicePort, **spec: object) -> Service:
    meta = Meta(name="web", namespace="default", creation_timestamp="2026-01-01T00:00:00Z")
    return Service(metadata=meta, spec=ServiceSpec(selector=LABELS, ports=ports, **spec))  # type: ignore[arg-type]


def pod(name: str = "web-1", *, ip: str = "10.0.0.1", ready: str = "True", at: str = "", **meta: object) -> Pod:
    condition = Condition(type="Ready", status=ready, last_transition_time=at or "2026-01-01T00:00:01Z")
    return Pod(
        metadata=Meta(name=name, namespace="default", uid=name, labels=LABELS, **meta),  # type: ignore[arg-type]
        spec=PodSpec(containers=(WEB,), init_containers=(SETUP, SIDECAR), node_name="n1"),
        status=PodStatus(
            phase="Running", pod_ip=ip, pod_ips=(PodIP(ip=ip), PodIP(ip="fd00::1")), conditions=(condition,)
        ),
    )


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        pytest.param(ServicePort(port=80), 80, id="its own"),
        pytest.param(ServicePort(port=80, target_port=9376), 9376, id="a number"),
        pytest.param(ServicePort(port=80, target_port="http"), 8080, id="a name"),
        pytest.param(ServicePort(port=80, target_port="side"), 15001, id="a sidecar's"),
        pytest.param(ServicePort(port=80, target_port="setup"), None, id="not of what has ended when it answers"),
        pytest.param(ServicePort(port=80, target_port="http", protocol="UDP"), None, id="of another protocol"),
        pytest.param(ServicePort(port=80, target_port="none"), None, id="unknown"),
    ],
)
def test_port_number(port: ServicePort, expected: int | None) -> None:
    assert port_number(port, pod()) == expected


def test_addresses_by_family() -> None:
    assert [address_of(pod(), family) for family in ("IPv4", "IPv6")] == ["10.0.0.1", "fd00::1"]


@pytest.mark.parametrize(
    ("hostname", "subdomain", "expected"),
    [("one", "web", "one"), ("one", "other", None), ("", "web", None)],
    ids=["named", "below another name", "unnamed"],
)
def test_host_name(hostname: str, subdomain: str, expected: str | None) -> None:
    named = Pod(metadata=Meta(name="p"), spec=PodSpec(hostname=hostname, subdomain=subdomain))
    assert host_name(service(), named) == expected


@pytest.mark.parametrize(
    ("found", "publish", "expected"),
    [
        pytest.param(pod(), False, (True, True, False), id="ready"),
        pytest.param(pod(ready="False"), False, (False, False, False), id="not ready"),
        pytest.param(pod(deletion_timestamp="t"), False, (False, True, True), id="on its way out"),
        pytest.param(pod(ready="False"), True, (True, False, False), id="published all the same"),
    ],
)
def test_conditions(found: Pod, publish: bool, expected: tuple[bool, bool, bool]) -> None:
    ((endpoint,),) = desired(service(publish_not_ready_addresses=publish), [found], {}).values()
    conditions = endpoint.conditions
    assert (conditions.ready, conditions.serving, conditions.terminating) == expected


def test_pods_are_grouped_by_what_the_names_of_ports_mean() -> None:
    other = Container(ports=(ContainerPort(name="http", container_port=9090),))
    second = Pod(metadata=pod("web-2").metadata, spec=PodSpec(containers=(other,)), status=pod(ip="10.0.0.2").status)
    groups = desired(service(ServicePort(name="main", port=80, target_port="http")), [pod(), second], {"n1": "z"})
    found = {g.ports[0].port: [(e.addresses, e.zone) for e in endpoints] for g, endpoints in groups.items()}
    assert found == {8080: [(("10.0.0.1",), "z")], 9090: [(("10.0.0.2",), None)]}


def test_labels_of_a_headless_service() -> None:
    assert labels_of(service(cluster_ip="None")) == {
        "service.kubernetes.io/headless": "",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }


def test_trigger_times_are_told_once() -> None:
    times = TriggerTimes()
    early, late = pod(at="2026-01-01T00:00:05Z"), pod("web-2", at="2026-01-01T00:00:07Z")
    told = [times.advance(service(), pods) for pods in ([], [early], [early], [early, late])]
    assert told == ["2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z", "", "2026-01-01T00:00:07Z"]
