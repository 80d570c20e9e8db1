"""What nobody acts on yet is said to the user and in the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from knarr.api import gaps
from knarr.api.kinds.table import KINDS, kind_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "compatibility.md"
TABLES = (
    gaps.KINDS,
    gaps.POD_FIELDS,
    gaps.CONTAINER_FIELDS,
    gaps.RESTART_ACTIONS,
    gaps.JOB_FIELDS,
    gaps.SERVICE_TYPES,
)
NAMED = sorted({name for table in TABLES for name in table})
SPREAD = {"topologySpreadConstraints": [{"maxSkew": 1}]}


def said(group: str, plural: str, new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    kind = kind_of(group, plural)
    assert kind
    return list(gaps.warnings(kind, new, old))


@pytest.mark.parametrize("name", NAMED)
def test_every_gap_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCUMENT.read_text()


def test_every_kind_named_is_served() -> None:
    assert set(gaps.KINDS) <= {kind.qualified_resource for kind in KINDS}


def test_a_kind_without_controller_is_said_once() -> None:
    assert said("apps", "daemonsets", {}) == ["no controller creates a DaemonSet's Pods yet"]
    assert said("apps", "daemonsets", {}, old={}) == []


@pytest.mark.parametrize(
    ("group", "plural", "new", "path"),
    [
        pytest.param("", "pods", {"spec": SPREAD}, "spec", id="a Pod"),
        pytest.param(
            "apps", "deployments", {"spec": {"template": {"spec": SPREAD}}}, "spec.template.spec", id="a template"
        ),
    ],
)
def test_a_field_is_said_when_it_comes(group: str, plural: str, new: dict[str, Any], path: str) -> None:
    text = f"{path}.topologySpreadConstraints: topology spread constraints are not honoured by the scheduler yet"
    assert said(group, plural, new) == [text]
    assert said(group, plural, new, old={"spec": {}}) == [text]
    assert said(group, plural, new, old=new) == []


def test_a_load_balancer_is_said_when_a_service_becomes_one() -> None:
    new, plain = {"spec": {"type": "LoadBalancer"}}, {"spec": {"type": "ClusterIP"}}
    assert said("", "services", new, plain) == ["spec.type: no controller gives load balancers an address yet"]
    assert said("", "services", plain) == []


SIGNALS = {"lifecycle": {"stopSignal": "SIGUSR1"}}
RESTART_ALL = {"restartPolicyRules": [{"action": "Restart"}, {"action": "RestartAllContainers"}]}


@pytest.mark.parametrize(
    ("sort", "container", "expected"),
    [
        (
            "initContainers",
            SIGNALS,
            "initContainers[1].lifecycle.stopSignal: stop signals are not honoured by the kubelet yet: "
            "containers get their image's",
        ),
        (
            "containers",
            RESTART_ALL,
            "containers[1].restartPolicyRules[1].action: the kubelet restarts one container at a time yet",
        ),
        (
            "ephemeralContainers",
            {"securityContext": {"windowsOptions": {"runAsUserName": "a"}}},
            "ephemeralContainers[1].securityContext.windowsOptions: nodes run Linux",
        ),
    ],
    ids=["init", "app", "ephemeral"],
)
def test_a_containers_field_is_said_with_its_place(sort: str, container: dict[str, Any], expected: str) -> None:
    old: dict[str, Any] = {"spec": {sort: [{}]}}
    new: dict[str, Any] = {"spec": {sort: [{}, container]}}
    assert said("", "pods", new, old) == said("", "pods", new) == [f"spec.{expected}"]
    assert said("", "pods", {"spec": {**new["spec"], "nodeName": "a"}}, new) == []


def test_a_resize_is_said() -> None:
    old, new = ({"spec": {"containers": [{"resources": {"limits": {"cpu": cpu}}}]}} for cpu in "12")
    assert said("", "pods", new, old) == ["spec.containers[0].resources: running containers are not resized yet"]
