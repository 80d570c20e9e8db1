"""Bad input as kubectl shows it to a user."""

from __future__ import annotations

import pytest

from tests.kubectl import Kubectl

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: app}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: app}}}}
  template:
    metadata: {{labels: {{app: {label}}}}}
    spec: {{{field}: [{{name: c, image: nginx}}]}}
"""


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (
            "kind: [",
            "error: error parsing STDIN: error converting YAML to JSON: yaml: line 1: did not find expected node "
            "content",
        ),
        (
            DEPLOYMENT.format(replicas=1, label="app", field="container"),
            'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled '
            'as a Deployment: strict decoding error: unknown field "spec.template.spec.container"',
        ),
        (
            DEPLOYMENT.format(replicas="many", label="app", field="containers"),
            'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled '
            "as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of "
            "type int32",
        ),
        (
            DEPLOYMENT.format(replicas=-1, label="app", field="containers"),
            'The Deployment "app" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
        ),
        (
            DEPLOYMENT.format(replicas=1, label="other", field="containers"),
            'The Deployment "app" is invalid: spec.template.metadata.labels: Invalid value: ',
        ),
        (
            "kind: Thing\napiVersion: example.com/v1\nmetadata: {name: x}\n",
            'no matches for kind "Thing" in version "example.com/v1"\nensure CRDs are installed first',
        ),
    ],
    ids=["yaml", "unknown field", "wrong type", "bound", "selector", "unknown kind"],
)
def test_create(kubectl: Kubectl, manifest: str, said: str) -> None:
    done = kubectl.run("create", "-f", "-", stdin=manifest)
    assert done.returncode == 1 and done.stdout == "" and said in done.stderr
    assert kubectl("get", "deployments", "-o", "name") == ""


def test_two_problems_are_listed(kubectl: Kubectl) -> None:
    said = kubectl.run("run", "Web_1", "--image=nginx", "--labels=a=not a value").stderr.splitlines()
    assert said[0] == 'The Pod "Web_1" is invalid: '
    assert [line.partition(": a ")[0] for line in said[1:]] == [
        '* metadata.name: Invalid value: "Web_1"',
        '* metadata.labels: Invalid value: "not a value"',
        '* spec.containers[0].name: Invalid value: "Web_1"',
    ]


def test_an_unknown_field_is_warned_of(kubectl: Kubectl) -> None:
    manifest = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: m}\nnonsense: 1\n"
    done = kubectl.run("create", "-f", "-", "--validate=warn", stdin=manifest)
    assert (done.stdout, done.stderr) == ("configmap/m created\n", 'Warning: unknown field "nonsense"\n')
    done = kubectl.run("replace", "-f", "-", "--validate=ignore", stdin=manifest)
    assert (done.stdout, done.stderr) == ("configmap/m replaced\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["get", "pods", "-l", "a in"], "unable to parse requirement"),
        (
            ["get", "pods", "--field-selector=spec.nonsense=1"],
            'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field '
            'selector "spec.nonsense=1": field label not supported: spec.nonsense',
        ),
        (
            ["create", "deployment", "Bad_Name", "--image=x"],
            'error: failed to create deployment: Deployment.apps "Bad_Name" is invalid: metadata.name: Invalid ',
        ),
        (
            ["create", "service", "nodeport", "s", "--tcp=80", "--node-port=99"],
            'error: failed to create NodePort service: Service "s" is invalid: spec.ports[0].nodePort: Invalid value: '
            "99: provided port is not in the valid range",
        ),
        (["rollout", "status", "deployment/none"], 'Error from server (NotFound): deployments.apps "none" not found'),
        (
            ["delete", "namespace", "default", "--dry-run=server"],
            'Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted',
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_commands(kubectl: Kubectl, arguments: list[str], said: str) -> None:
    done = kubectl.run(*arguments)
    assert done.returncode == 1 and said in done.stderr
