"""Access as kubectl's users give it, take it, and ask about it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.api.processes import OLDEST, PATIENCE, ServerProcess, configured, launched
from tests.kubectl import Kubectl

AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-view=true"


@dataclass(frozen=True)
class Robot:
    """kubectl as a service account of the namespace."""

    kubectl: Kubectl
    name: str
    credentials: tuple[str, ...]

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return self.kubectl.run(*self.credentials, *arguments, stdin=stdin)

    def __call__(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def robot(process: ServerProcess, kubectl: Kubectl) -> Robot:
    kubectl("create", "serviceaccount", "robot")
    server = f"--server=https://127.0.0.1:{process.config.api_port}"
    trusted = f"--certificate-authority={process.config.pki / 'ca.crt'}"
    token = f"--token={kubectl('create', 'token', 'robot').strip()}"
    name = f"system:serviceaccount:{kubectl.namespace}:robot"
    return Robot(kubectl, name, ("--kubeconfig=/dev/null", server, trusted, token))


def eventually(holds: Callable[[], bool]) -> None:
    """For what a controller does."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_role_and_its_binding(robot: Robot, kubectl: Kubectl) -> None:
    refused = robot.run("get", "pods")
    where = f'in the namespace "{kubectl.namespace}"'
    assert f'User "{robot.name}" cannot list resource "pods" in API group "" {where}' in refused.stderr
    assert kubectl.run("create", "role", "reader", "--verb=get,list", "--resource=pods,pods/log").stderr == ""
    account = f"--serviceaccount={kubectl.namespace}:robot"
    assert kubectl.run("create", "rolebinding", "reader", "--role=reader", account).stderr == ""
    assert robot.run("get", "pods").stderr.startswith("No resources found")
    assert robot("auth", "can-i", "list", "pods") == "yes\n"
    assert robot.run("auth", "can-i", "delete", "pods").stdout == "no\n"
    kubectl("delete", "rolebinding", "reader")
    assert robot.run("get", "pods").returncode == 1


def test_what_i_may_is_listed(robot: Robot, kubectl: Kubectl) -> None:
    kubectl("create", "role", "reader", "--verb=get", "--resource=secrets", "--resource-name=s")
    kubectl("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={kubectl.namespace}:robot")
    listed = {tuple(line.split()) for line in robot("auth", "can-i", "--list").splitlines()}
    assert ("secrets", "[]", "[s]", "[get]") in listed
    assert ("selfsubjectreviews.authentication.k8s.io", "[]", "[]", "[create]") in listed
    assert ("[/openapi/v1/jwks]", "[]", "[get]") not in listed
    assert ("[/openid/v1/jwks]", "[]", "[get]") in listed
    everything = {tuple(line.split()) for line in kubectl("auth", "can-i", "--list").splitlines()}
    assert ("*.*", "[]", "[]", "[*]") in everything
    assert ("[*]", "[]", "[*]") in everything


def test_a_namespaces_administrator_gives_what_they_have_and_no_more(robot: Robot, kubectl: Kubectl) -> None:
    account = f"--serviceaccount={kubectl.namespace}:robot"
    kubectl("create", "rolebinding", "admin", "--clusterrole=admin", account)
    eventually(lambda: robot.run("auth", "can-i", "create", "deployments").stdout == "yes\n")
    robot("create", "role", "reader", "--verb=get", "--resource=secrets,deployments.apps")
    robot("create", "rolebinding", "viewers", "--clusterrole=view", "--user=eve")
    refused = robot.run("create", "role", "nodes", "--verb=get", "--resource=nodes")
    assert "is attempting to grant RBAC permissions not currently held:" in refused.stderr
    assert '{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}' in refused.stderr
    refused = robot.run("create", "rolebinding", "root", "--clusterrole=cluster-admin", account)
    assert '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}' in refused.stderr
    refused = robot.run("create", "clusterrolebinding", "root", "--clusterrole=cluster-admin", account)
    assert 'cannot create resource "clusterrolebindings"' in refused.stderr


def test_rules_are_gathered(robot: Robot, kubectl: Kubectl) -> None:
    name = f"widgets-{kubectl.namespace}"
    kubectl("create", "rolebinding", "view", "--clusterrole=view", f"--serviceaccount={kubectl.namespace}:robot")
    eventually(lambda: robot.run("auth", "can-i", "list", "pods").stdout == "yes\n")
    assert robot.run("auth", "can-i", "list", "nodes").stdout.startswith("no")
    kubectl("create", "clusterrole", name, "--verb=list", "--resource=secrets")
    try:
        kubectl("label", "clusterrole", name, AGGREGATE)
        eventually(lambda: robot.run("auth", "can-i", "list", "secrets").stdout == "yes\n")
    finally:
        kubectl("delete", "clusterrole", name)
    eventually(lambda: robot.run("auth", "can-i", "list", "secrets").stdout == "no\n")


def test_reconciling(robot: Robot, kubectl: Kubectl) -> None:
    role = {
        "kind": "Role",
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": "r", "namespace": kubectl.namespace},
        "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}],
    }
    binding = {
        "kind": "RoleBinding",
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": "r", "namespace": kubectl.namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "a"}],
    }

    def reconcile(tree: object, *flags: str) -> str:
        return kubectl("auth", "reconcile", *flags, "-f", "-", stdin=json.dumps(tree))

    verbs = ("get", "role", "r", "-o", "jsonpath={.rules[*].verbs}")
    subjects = ("get", "rolebinding", "r", "-o", "jsonpath={.subjects[*].name}")
    assert "reconciled" in reconcile(role)
    assert "reconciled" in reconcile(binding)
    role["rules"] = [{"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}]
    binding["subjects"] = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "b"}]
    reconcile(role, "--dry-run=client")
    assert kubectl(*verbs) == '["get"]'
    reconcile(role)
    reconcile(binding)
    assert kubectl(*verbs) == '["get"] ["list"]'
    assert kubectl(*subjects) == "a b"
    reconcile(role, "--remove-extra-permissions")
    reconcile(binding, "--remove-extra-subjects")
    assert kubectl(*verbs) == '["list"]'
    assert kubectl(*subjects) == "b"
    refused = robot.run("auth", "reconcile", "-f", "-", stdin=json.dumps(role))
    assert refused.returncode == 1


@pytest.mark.parametrize(
    ("question", "code", "answer"),
    [
        pytest.param("list pods", 0, "yes", id="yes"),
        pytest.param("delete pods", 1, "no", id="no"),
        pytest.param("get pods --subresource=log", 0, "yes", id="a subresource"),
        pytest.param("create pods --subresource=exec", 1, "no", id="another subresource"),
        pytest.param("get pods/exec", 0, "yes", id="a name"),
        pytest.param("get /version", 0, "yes", id="a path"),
        pytest.param("get /metrics", 1, "no", id="another path"),
        pytest.param("list pods --all-namespaces", 1, "no", id="everywhere"),
        pytest.param("* *", 1, "no", id="anything"),
    ],
)
def test_can_i(robot: Robot, kubectl: Kubectl, question: str, code: int, answer: str) -> None:
    """As the robot says of itself, and as the administrator asks for it."""
    kubectl("create", "role", "reader", "--verb=get,list", "--resource=pods,pods/log")
    kubectl("create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={kubectl.namespace}:robot")
    words = question.split()
    namespace = () if "--all-namespaces" in words else ("-n", kubectl.namespace)
    asked = robot.run("auth", "can-i", *words, *namespace)
    assert (asked.returncode, asked.stdout.strip().split(" ")[0]) == (code, answer)
    asked = kubectl.run("auth", "can-i", *words, f"--as={robot.name}", "--quiet")
    assert (asked.returncode, asked.stdout) == (code, "")


def test_an_administrator_of_a_namespace_tries_to_be_more(robot: Robot, kubectl: Kubectl) -> None:
    """Everything that is attempted ends in a refusal, and leaves the administrator what they were."""
    account = f"--serviceaccount={kubectl.namespace}:robot"
    kubectl("create", "rolebinding", "admin", "--clusterrole=admin", account)
    eventually(lambda: robot.run("auth", "can-i", "create", "roles").stdout == "yes\n")
    robot("create", "role", "own", "--verb=get", "--resource=pods")
    everything = (
        '[{"op": "add", "path": "/rules/-", "value": {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}}]'
    )
    attempts = {
        "more by a new role": ("create", "role", "more", "--verb=*", "--resource=nodes"),
        "more by its own role": ("patch", "role", "own", "--type=json", "-p", everything),
        "a role that may escalate": ("create", "role", "e", "--verb=escalate,bind", "--resource=clusterroles"),
        "cluster-admin here": ("create", "rolebinding", "r", "--clusterrole=cluster-admin", account),
        "cluster-admin everywhere": ("create", "clusterrolebinding", "r", "--clusterrole=admin", account),
        "another role's rules": ("label", "clusterrole", "cluster-admin", AGGREGATE),
        "the role that it has": ("patch", "clusterrole", "admin", "--type=json", "-p", everything),
        "the masters": ("get", "nodes", "--as=root", "--as-group=system:masters"),
        "another user": ("get", "pods", "--as=eve"),
        "an account elsewhere": ("get", "pods", "--as=system:serviceaccount:kube-system:default"),
        "a token from elsewhere": ("create", "token", "default", "-n", "kube-system"),
        "secrets from elsewhere": ("get", "secrets", "-n", "kube-system"),
        "a certificate": ("certificate", "approve", "x"),
        "its own namespace's labels": ("label", "namespace", kubectl.namespace, "pod-security.kubernetes.io/enforce=x"),
        "a quota": ("create", "quota", "q", "--hard=pods=1"),
    }
    for attempt, command in attempts.items():
        refused = robot.run(*command)
        assert refused.returncode == 1, attempt
        assert "orbidden" in refused.stderr, (attempt, refused.stderr)
    for question in (
        "get nodes",
        "list secrets -n kube-system",
        "escalate roles",
        "approve certificatesigningrequests",
    ):
        assert robot.run("auth", "can-i", *question.split()).returncode == 1, question
    assert robot("create", "token", "robot")  # what it may: a token of an account of its own namespace


def test_who_am_i(robot: Robot) -> None:
    if robot.kubectl.binary == OLDEST:  # it asks in a beta version that 1.36 has not
        assert "the selfsubjectreviews API is not enabled in the cluster" in robot.run("auth", "whoami").stderr
        return
    assert ["Username", robot.name] in [line.split() for line in robot("auth", "whoami").splitlines()]


def test_access_outlives_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("rbac")
    config = configured(directory)
    found = []
    for _ in range(2):
        server = launched(config, directory / "server.log")
        try:
            found.append(roles_of(server))
        finally:
            server.process.terminate()
            server.process.wait(PATIENCE)
    assert found[0] == found[1]
    assert len(found[0]) > 60


def roles_of(server: ServerProcess) -> dict[str, str]:
    """The versions of a server's roles, when it is ready and they are gathered; bob may what he may from then on."""
    kubectl = server.kubectl()

    def rules_of(name: str) -> str:
        return kubectl("get", "clusterrole", name, "-o", "jsonpath={.rules[*].resources}")

    kubectl.run("create", "clusterrole", "own", "--verb=get", "--resource=pods")
    kubectl.run("create", "rolebinding", "own", "--clusterrole=own", "--user=bob")
    asked = {"verb": "get", "resource": "pods", "namespace": "default"}
    body = {"spec": {"user": "bob", "resourceAttributes": asked}}
    reply = server.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
    reason = 'RBAC: allowed by RoleBinding "own/default" of ClusterRole "own" to User "bob"'
    assert reply.json["status"] == {"allowed": True, "reason": reason}
    assert "[+]poststarthook/rbac/bootstrap-roles ok" in server.send("GET", "/readyz?verbose").body
    eventually(lambda: "rolebindings" in rules_of("admin") and "pods/exec" in rules_of("edit"))
    eventually(lambda: rules_of("admin").count("resourceclaimtemplates") == 2)  # what edit has of view's, too
    roles = json.loads(kubectl("get", "clusterroles", "-o", "json"))["items"]
    return {role["metadata"]["name"]: role["metadata"]["resourceVersion"] for role in roles}
