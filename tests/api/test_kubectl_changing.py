"""kubectl's ways to change what is there: apply, diff, replace, edit, patch, label, scale and set."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.manifests import CHANGED, MANIFEST
from tests.kubectl import Kubectl


@pytest.fixture
def app(kubectl: Kubectl) -> Kubectl:
    """kubectl where the manifest has been applied."""
    assert kubectl.apply(MANIFEST) == "deployment.apps/app created\n"
    return kubectl


def _field(kubectl: Kubectl, path: str, *flags: str) -> str:
    return kubectl("get", "deployment", "app", "-o", f"jsonpath={{{path}}}", *flags)


def test_apply_drops_what_the_manifest_drops(app: Kubectl) -> None:
    app("label", "deployment", "app", "mine=1")
    assert app.apply(MANIFEST) == "deployment.apps/app unchanged\n"
    diff = app.run("diff", "-f", "-", stdin=CHANGED)
    assert diff.returncode == 1 and "-    dropped: " in diff.stdout and "image: nginx:2\n" in diff.stdout
    assert app.apply(CHANGED) == "deployment.apps/app configured\n"
    assert app.run("diff", "-f", "-", stdin=CHANGED).returncode == 0
    assert _field(app, ".metadata.labels") == '{"kept":"1","mine":"1"}'
    assert _field(app, ".spec.template.spec.containers[0].env") == '[{"name":"A","value":"1"}]'
    assert "image: nginx:2" in app("apply", "view-last-applied", "deployment", "app")


def test_a_dry_run_changes_nothing(app: Kubectl) -> None:
    before = app.json("get", "deployment", "app")
    said = app("apply", "-f", "-", "--dry-run=server", stdin=CHANGED)
    assert said == "deployment.apps/app configured (server dry run)\n"
    app("scale", "deployment", "app", "--replicas=5", "--dry-run=server")
    app("delete", "deployment", "app", "--dry-run=server")
    app("create", "configmap", "never", "--dry-run=server")
    assert app.json("get", "deployment", "app") == before
    assert app("get", "configmap", "never", "--ignore-not-found") == ""


def test_replace(app: Kubectl) -> None:
    uid = _field(app, ".metadata.uid")
    assert app("replace", "-f", "-", stdin=CHANGED) == "deployment.apps/app replaced\n"
    assert (_field(app, ".metadata.labels"), _field(app, ".metadata.uid")) == ('{"kept":"1"}', uid)
    app("replace", "--force", "-f", "-", stdin=MANIFEST)
    assert _field(app, ".metadata.uid") != uid


def test_replace_of_an_older_version_conflicts(app: Kubectl) -> None:
    outdated = app("get", "deployment", "app", "-o", "json")
    app("annotate", "deployment", "app", "newer=1")
    refused = app.run("replace", "-f", "-", stdin=outdated)
    assert refused.returncode == 1
    assert refused.stderr == (
        'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on deployments.apps'
        ' "app": the object has been modified; please apply your changes to the latest version and try again\n'
    )


def test_edit(app: Kubectl) -> None:
    editor = {"KUBE_EDITOR": "sed -i s/nginx:1/nginx:8/"}
    assert app.run("edit", "deployment", "app", environment=editor).stdout == "deployment.apps/app edited\n"
    assert _field(app, ".spec.template.spec.containers[0].image") == "nginx:8"
    unchanged = app.run("edit", "deployment", "app", environment={"KUBE_EDITOR": "true"})
    assert "Edit cancelled, no changes made." in unchanged.stdout + unchanged.stderr


@pytest.mark.parametrize(
    ("flags", "patch", "path", "expected"),
    [
        ([], '{"spec":{"replicas":1}}', ".spec.replicas", "1"),
        ([], '{"spec":{"paused":true}}', ".spec.paused", "true"),
        (["--type=merge"], '{"metadata":{"labels":{"dropped":null}}}', ".metadata.labels", '{"kept":"1"}'),
        (["--type=json"], '[{"op":"replace","path":"/spec/replicas","value":2}]', ".spec.replicas", "2"),
        (["--subresource=scale", "--type=merge"], '{"spec":{"replicas":3}}', ".spec.replicas", "3"),
        (["--subresource=status", "--type=merge"], '{"spec":{"replicas":9}}', ".spec.replicas", "0"),
    ],
    ids=["strategic", "strategic flag", "merge", "json", "scale", "status leaves the spec"],
)
def test_patch(app: Kubectl, flags: list[str], patch: str, path: str, expected: str) -> None:
    app("patch", "deployment", "app", *flags, "-p", patch)
    assert _field(app, path) == expected


def test_patch_of_a_list_by_key(app: Kubectl) -> None:
    env = '{"spec":{"template":{"spec":{"containers":[{"name":"c","env":[{"name":"A","$patch":"delete"}]}]}}}}'
    app("patch", "deployment", "app", "-p", env)
    assert _field(app, ".spec.template.spec.containers[0].env[*].name") == "DROPPED"


def test_label_and_annotate(app: Kubectl) -> None:
    app("label", "deployment", "app", "x=y", "dropped-")
    refused = app.run("label", "deployment", "app", "x=z")
    assert refused.stderr == "error: 'x' already has a value (y), and --overwrite is false\n"
    app("label", "deployment", "app", "x=z", "--overwrite")
    app("annotate", "deployment", "app", "note=long text")
    assert _field(app, ".metadata.labels") == '{"kept":"1","x":"z"}'
    assert _field(app, ".metadata.annotations.note") == "long text"


def test_scale(app: Kubectl) -> None:
    assert app("scale", "deployment/app", "--replicas=2") == "deployment.apps/app scaled\n"
    refused = app.run("scale", "deployment/app", "--replicas=1", "--current-replicas=5")
    assert refused.stderr == "error: Expected replicas to be 5, was 2\n"
    app("scale", "deployment/app", "--replicas=0", "--current-replicas=2")
    assert _field(app, ".spec.replicas") == "0"


def test_set(app: Kubectl) -> None:
    app("set", "image", "deployment/app", "c=nginx:7")
    app("set", "env", "deployment/app", "X=Y", "A-")
    app("set", "resources", "deployment/app", "--limits=cpu=100m,memory=10Mi")
    app("set", "serviceaccount", "deployment/app", "robot")
    spec: dict[str, Any] = app.json("get", "deployment", "app")["spec"]["template"]["spec"]
    container = spec["containers"][0]
    assert spec["serviceAccountName"] == "robot"
    assert container["image"] == "nginx:7"
    assert container["env"] == [{"name": "DROPPED", "value": "2"}, {"name": "X", "value": "Y"}]
    assert container["resources"]["limits"] == {"cpu": "100m", "memory": "10Mi"}
    app("create", "service", "clusterip", "svc", "--tcp=80")
    app("set", "selector", "service", "svc", "a=b")
    assert app("get", "service", "svc", "-o", "jsonpath={.spec.selector}") == '{"a":"b"}'


def test_rollout(app: Kubectl) -> None:
    app("rollout", "status", "deployment/app", "--timeout=20s")
    app.apply(CHANGED)
    app("rollout", "status", "deployment/app", "--timeout=20s")
    assert app("rollout", "history", "deployment/app").split()[-4:] == ["1", "<none>", "2", "<none>"]
    assert "nginx:2" in app("rollout", "history", "deployment/app", "--revision=2")
    assert app("rollout", "undo", "deployment/app") == "deployment.apps/app rolled back\n"
    assert _field(app, ".spec.template.spec.containers[0].image") == "nginx:1"
    assert app("rollout", "pause", "deployment/app") == "deployment.apps/app paused\n"
    refused = app.run("rollout", "restart", "deployment/app")
    assert "can't restart paused deployment (run rollout resume first)" in refused.stderr
    assert app("rollout", "resume", "deployment/app") == "deployment.apps/app resumed\n"
    app("rollout", "restart", "deployment/app")
    assert "kubectl.kubernetes.io/restartedAt" in _field(app, ".spec.template.metadata.annotations")


def test_kustomize(kubectl: Kubectl, tmp_path: Any) -> None:
    (tmp_path / "kustomization.yaml").write_text("namePrefix: a-\nresources: [app.yaml]\n")
    (tmp_path / "app.yaml").write_text(MANIFEST)
    assert kubectl("apply", "-k", str(tmp_path)) == "deployment.apps/a-app created\n"
