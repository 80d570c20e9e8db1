"""What users do with custom resources, by the oldest and the newest kubectl; each test has a group of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.definitions import definition, version
from tests.kubectl import Kubectl, KubectlError

JSON = dict[str, Any]
COLUMNS = [{"name": "Size", "type": "integer", "jsonPath": ".spec.size", "description": "How large"}]
SCALE = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}


def described(spec: JSON) -> JSON:
    return {**spec, "description": "What the widget shall be", "required": ["size"]}


@pytest.fixture
def group(kubectl: Kubectl) -> Iterator[str]:
    """The group of a definition of widgets, with columns, status, scale and categories."""
    name = f"{kubectl.namespace}.example.com"
    served = version(additionalPrinterColumns=COLUMNS, subresources={"status": {}, "scale": SCALE})
    spec = served["schema"]["openAPIV3Schema"]["properties"]
    spec["spec"] = described(spec["spec"])
    crd = definition(served, names={"categories": ["toys"], "shortNames": []}, group=name)
    crd["metadata"]["name"] = f"widgets.{name}"
    kubectl("create", "-f", "-", stdin=json.dumps(crd))
    kubectl("wait", "--for=condition=Established", f"crd/widgets.{name}", "--timeout=5s")
    yield name
    kubectl("delete", "crd", f"widgets.{name}", "--timeout=10s")


def manifest(group: str, name: str = "w", **spec: Any) -> str:
    tree = {"kind": "Widget", "apiVersion": f"{group}/v1", "metadata": {"name": name}, "spec": {"size": 1, **spec}}
    return json.dumps(tree)


def test_the_life_of_an_object(kubectl: Kubectl, group: str) -> None:
    widgets = f"widgets.{group}"
    assert kubectl("apply", "-f", "-", stdin=manifest(group)) == f"widget.{group}/w created\n"
    assert kubectl("apply", "-f", "-", stdin=manifest(group, size=2)) == f"widget.{group}/w configured\n"
    assert kubectl("apply", "-f", "-", stdin=manifest(group, size=2)) == f"widget.{group}/w unchanged\n"
    assert [line.split()[:2] for line in kubectl("get", widgets).splitlines()] == [["NAME", "SIZE"], ["w", "2"]]
    assert kubectl("get", "toys", "-o", "name") == f"widget.{group}/w\n"
    kubectl("scale", f"{widgets}/w", "--replicas=3")
    kubectl("label", f"{widgets}/w", "a=b")
    kubectl("patch", f"{widgets}/w", "--type=merge", "-p", '{"spec":{"color":"green"}}')
    shown = kubectl("get", f"{widgets}/w", "-o", "jsonpath={.spec.replicas} {.spec.color} {.metadata.labels.a}")
    assert shown == "3 green b"
    assert "Size:      2" in kubectl("describe", f"{widgets}/w")
    kubectl("patch", f"{widgets}/w", "--subresource=status", "--type=merge", "-p", '{"status":{"phase":"Up"}}')
    kubectl("wait", "--for=jsonpath={.status.phase}=Up", f"{widgets}/w", "--timeout=5s")
    assert kubectl("delete", f"{widgets}/w").startswith(f'widget.{group} "w" deleted')


def test_applied_by_the_server(kubectl: Kubectl, group: str) -> None:
    applied = kubectl("apply", "--server-side", "-f", "-", stdin=manifest(group, parts=[{"name": "a"}]))
    assert applied == f"widget.{group}/w serverside-applied\n"
    other = manifest(group, parts=[{"name": "b", "weight": 2}])
    kubectl("apply", "--server-side", "--field-manager=other", "-f", "-", stdin=other)
    names = kubectl("get", f"widgets.{group}/w", "-o", "jsonpath={.spec.parts[*].name}")
    assert sorted(names.split()) == ["a", "b"]
    with pytest.raises(KubectlError, match="conflicts with"):
        kubectl("apply", "--server-side", "--field-manager=third", "-f", "-", stdin=manifest(group, size=5))


def test_explained(kubectl: Kubectl, group: str) -> None:
    top = kubectl("explain", "widgets", f"--api-version={group}/v1")
    assert "KIND:       Widget" in top and f"GROUP:      {group}" in top and "What the widget shall be" in top
    field = kubectl("explain", "widgets.spec.parts.weight", f"--api-version={group}/v1")
    assert "weight <number>" in field


def test_what_is_unknown_or_wrong(kubectl: Kubectl, group: str) -> None:
    with pytest.raises(KubectlError, match=r'unknown field "spec[.]nonsense"'):
        kubectl("create", "-f", "-", stdin=manifest(group, nonsense=1))
    with pytest.raises(KubectlError, match="size in body should be less than or equal to 10"):
        kubectl("create", "-f", "-", stdin=manifest(group, size=11))


def test_definitions_are_listed_and_described(kubectl: Kubectl, group: str) -> None:
    listed = kubectl("get", "crd", f"widgets.{group}").splitlines()
    assert (listed[0].split(), listed[1].split()[0]) == (["NAME", "CREATED", "AT"], f"widgets.{group}")
    assert "InitialNamesAccepted" in kubectl("describe", "crd", f"widgets.{group}")
    resources = kubectl("api-resources", f"--api-group={group}", "--no-headers").split()
    assert resources == ["widgets", f"{group}/v1", "true", "Widget"]
