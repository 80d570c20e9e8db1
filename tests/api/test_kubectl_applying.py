"""kubectl apply --server-side, and what kubectl shows of who owns what."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from tests.api.manifests import CHANGED, MANIFEST
from tests.kubectl import Kubectl

SERVER_SIDE = ("apply", "--server-side", "-f", "-")


def _owners(kubectl: Kubectl) -> dict[tuple[str, str, str], Any]:
    found = kubectl.json("get", "deployment", "app", "--show-managed-fields")["metadata"]["managedFields"]
    return {(e["manager"], e["operation"], e.get("subresource", "")): e["fieldsV1"] for e in found}


def _field(kubectl: Kubectl, path: str) -> str:
    return kubectl("get", "deployment", "app", "-o", f"jsonpath={{{path}}}")


def test_what_is_applied_is_owned_and_what_is_dropped_goes(kubectl: Kubectl) -> None:
    assert kubectl(*SERVER_SIDE, stdin=MANIFEST) == "deployment.apps/app serverside-applied\n"
    kubectl("label", "deployment", "app", "mine=1")
    assert kubectl(*SERVER_SIDE, stdin=CHANGED) == "deployment.apps/app serverside-applied\n"
    assert json.loads(_field(kubectl, ".metadata.labels")) == {"kept": "1", "mine": "1"}
    assert _field(kubectl, ".spec.template.spec.containers[0].env") == '[{"name":"A","value":"1"}]'
    owners = _owners(kubectl)
    assert owners["kubectl", "Apply", ""]["f:metadata"] == {"f:labels": {"f:kept": {}}}
    assert owners["kubectl-label", "Update", ""] == {"f:metadata": {"f:labels": {"f:mine": {}}}}


def test_managed_fields_are_shown_to_who_asks(kubectl: Kubectl) -> None:
    kubectl(*SERVER_SIDE, stdin=MANIFEST)
    assert "managedFields" not in kubectl("get", "deployment", "app", "-o", "yaml")
    shown = kubectl("get", "deployment", "app", "-o", "yaml", "--show-managed-fields")
    entry = yaml.safe_load(shown)["metadata"]["managedFields"][0]
    assert (entry["manager"], entry["operation"], entry["apiVersion"]) == ("kubectl", "Apply", "apps/v1")


def test_a_conflict_is_explained_and_can_be_forced(kubectl: Kubectl) -> None:
    kubectl(*SERVER_SIDE, "--field-manager=first", stdin=MANIFEST)
    kubectl("scale", "deployment", "app", "--replicas=1")
    refused = kubectl.run(*SERVER_SIDE, "--field-manager=first", stdin=MANIFEST)
    assert refused.returncode == 1
    scaler = f'"{kubectl.binary.name}" with subresource "scale" using apps/v1'
    assert f"Apply failed with 1 conflict: conflict with {scaler}: .spec.replicas" in refused.stderr
    assert "Please review the fields above" in refused.stderr
    kubectl(*SERVER_SIDE, "--field-manager=first", "--force-conflicts", stdin=MANIFEST)
    assert _field(kubectl, ".spec.replicas") == "0"


def test_client_side_apply_becomes_server_side_apply_and_goes_back(kubectl: Kubectl) -> None:
    kubectl.apply(MANIFEST)
    assert kubectl(*SERVER_SIDE, stdin=CHANGED) == "deployment.apps/app serverside-applied\n"
    assert json.loads(_field(kubectl, ".metadata.labels")) == {"kept": "1"}
    assert "nginx:2" in kubectl("apply", "view-last-applied", "deployment", "app")
    assert kubectl.apply(MANIFEST) == "deployment.apps/app configured\n"
    assert _field(kubectl, ".spec.template.spec.containers[0].image") == "nginx:1"


def test_applying_again_changes_nothing(kubectl: Kubectl) -> None:
    kubectl(*SERVER_SIDE, stdin=MANIFEST)
    before = _field(kubectl, ".metadata.generation"), _owners(kubectl)
    kubectl(*SERVER_SIDE, stdin=MANIFEST)
    assert (_field(kubectl, ".metadata.generation"), _owners(kubectl)) == before


def test_a_difference_is_shown_as_the_server_sees_it(kubectl: Kubectl) -> None:
    kubectl(*SERVER_SIDE, stdin=MANIFEST)
    diff = kubectl.run("diff", "--server-side", "-f", "-", stdin=CHANGED)
    assert diff.returncode == 1, diff.stderr
    assert "image: nginx:2\n" in diff.stdout and "-    dropped: " in diff.stdout
    assert kubectl.run("diff", "--server-side", "-f", "-", stdin=MANIFEST).returncode == 0
    dry = kubectl(*SERVER_SIDE, "--dry-run=server", stdin=CHANGED)
    assert dry == "deployment.apps/app serverside-applied (server dry run)\n"
    assert "nginx:1" in _field(kubectl, ".spec.template.spec.containers[0].image")


def test_pruning_deletes_what_is_applied_no_more(kubectl: Kubectl) -> None:
    maps = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": n, "labels": {"set": "x"}}} for n in "ab"]
    both = yaml.safe_dump_all(maps)
    options = ("apply", "-f", "-", "--prune", "-l", "set=x", "--prune-allowlist=core/v1/ConfigMap")
    kubectl(*options, stdin=both)
    assert "configmap/b pruned" in kubectl(*options, stdin=yaml.safe_dump(maps[0]))
    assert kubectl("get", "configmap", "-l", "set=x", "-o", "name") == "configmap/a\n"


@pytest.mark.parametrize("way", ["edit", "replace"])
def test_other_ways_to_write_own_what_they_write(kubectl: Kubectl, way: str) -> None:
    kubectl(*SERVER_SIDE, stdin=MANIFEST)
    if way == "edit":
        done = kubectl.run("edit", "deployment", "app", environment={"KUBE_EDITOR": "sed -i s/nginx:1/nginx:2/"})
        assert done.returncode == 0, done.stderr
    else:
        shown = kubectl("get", "deployment", "app", "-o", "yaml", "--show-managed-fields")
        whole = re.sub("  resourceVersion: .*\n", "", shown)  # the controller writes as well
        kubectl("replace", "-f", "-", stdin=whole.replace("nginx:1", "nginx:2"))
    container: dict[str, Any] = {'k:{"name":"c"}': {"f:image": {}}}
    fields = {"f:spec": {"f:template": {"f:spec": {"f:containers": container}}}}
    assert _owners(kubectl)[f"kubectl-{way}", "Update", ""] == fields


def test_controllers_own_what_they_report(kubectl: Kubectl) -> None:
    kubectl(*SERVER_SIDE, stdin=MANIFEST)
    kubectl.until("1", "get", "deployment", "app", "-o", "jsonpath={.status.observedGeneration}")
    reported = _owners(kubectl)["kube-controller-manager", "Update", "status"]
    assert "f:observedGeneration" in reported["f:status"]
    replica_set = kubectl.json("get", "replicasets", "-l", "app=app", "--show-managed-fields")["items"][0]
    made = replica_set["metadata"]["managedFields"][0]
    assert (made["manager"], made["operation"]) == ("kube-controller-manager", "Update")
    assert "f:ownerReferences" in made["fieldsV1"]["f:metadata"]


def test_definitions_can_be_applied_and_changed(kubectl: Kubectl) -> None:
    group = f"{kubectl.namespace}.example.com"
    schema: Any = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}},
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    manifest: Any = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
            "scope": "Namespaced",
            "versions": [version],
        },
    }
    kubectl(*SERVER_SIDE, stdin=yaml.safe_dump(manifest))
    kubectl.wait("--for=condition=established", "crd", f"things.{group}")
    schema["properties"]["spec"]["properties"]["b"] = {"type": "string"}
    assert "serverside-applied" in kubectl(*SERVER_SIDE, stdin=yaml.safe_dump(manifest))
    thing: Any = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"a": "1", "b": "2"}}
    kubectl(*SERVER_SIDE, stdin=yaml.safe_dump(thing))
    del thing["spec"]["b"]
    kubectl(*SERVER_SIDE, stdin=yaml.safe_dump(thing))
    assert kubectl("get", f"things.{group}", "t", "-o", "jsonpath={.spec}") == '{"a":"1"}'
    kubectl("delete", "crd", f"things.{group}")


def test_an_unknown_field_is_refused(kubectl: Kubectl) -> None:
    refused = kubectl.run(*SERVER_SIDE, "--validate=ignore", stdin=MANIFEST.replace("replicas: 0", "replicaz: 0"))
    assert refused.returncode == 1
    assert "; apps/v1, Kind=Deployment): .spec.replicaz: field not declared in schema" in refused.stderr
