"""The part of upstream's own tests of kubectl that is about who one is and what one may: credentials, acting as others,
requests for certificates, questions about rights.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.api.processes import ServerProcess
from tests.kubectl import Kubectl

JSON = dict[str, Any]
EXEC = "client.authentication.k8s.io"
SIGNER = "kubernetes.io/kube-apiserver-client"
CONDITIONS = "{{range.status.conditions}}{{.type}}{{end}}"
WHEN = {"interactiveMode": "IfAvailable"}
BINDING = "rolebinding.rbac.authorization.k8s.io/viewer\n"
REVIEW = {
    "kind": "SubjectAccessReview",
    "apiVersion": "authorization.k8s.io/v1",
    "spec": {"resourceAttributes": {"verb": "list", "resource": "pods"}, "user": "u", "groups": ["system:masters"]},
}


def shown(kubectl: Kubectl, what: str, template: str) -> str:
    return kubectl("get", *what.split(), "-o", f"go-template={template}")


class Ask(Protocol):
    """Runs kubectl with a plugin and flags; returns all that it says."""

    def __call__(self, plugin: list[str], *flags: str, **more: str) -> str: ...


class Requests:
    """A request for a certificate, of the namespace's name, made again and again."""

    def __init__(self, kubectl: Kubectl, folder: Path) -> None:
        self.kubectl, self.name = kubectl, kubectl.namespace
        self.key, self.file = folder / "key", folder / "csr.json"
        command = f"openssl req -new -newkey rsa:2048 -nodes -keyout {self.key} -subj /CN={self.name}"
        pem = subprocess.run(command.split(), check=True, capture_output=True).stdout
        spec = {"request": base64.b64encode(pem).decode(), "signerName": SIGNER, "usages": ["client auth"]}
        kind = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
        self.file.write_text(json.dumps({**kind, "metadata": {"name": self.name}, "spec": spec}))

    def create(self, *acting: str) -> None:
        said = self.kubectl("create", "-f", str(self.file), *acting)
        assert said == f"certificatesigningrequest.certificates.k8s.io/{self.name} created\n"

    def delete(self) -> None:
        said = self.kubectl("delete", "-f", str(self.file)).removesuffix("\n")
        assert said == f'certificatesigningrequest.certificates.k8s.io "{self.name}" deleted'
        assert self.name not in self.kubectl("get", "csr", "-o", "jsonpath={range.items[*]}{.metadata.name}{end}")

    def shown(self, template: str) -> str:
        return shown(self.kubectl, f"csr/{self.name}", template)


@pytest.fixture
def requests(kubectl: Kubectl, tmp_path: Path) -> Requests:
    return Requests(kubectl, tmp_path)


@pytest.mark.parametrize(("verb", "done"), [("approve", "Approved"), ("deny", "Denied")])
def test_verdicts_by_name_and_by_file(requests: Requests, kubectl: Kubectl, verb: str, done: str) -> None:
    for which in ((requests.name,), ("-f", str(requests.file))):
        requests.create()
        assert requests.shown(CONDITIONS) == ""
        said = kubectl("certificate", verb, *which)
        assert said == f"certificatesigningrequest.certificates.k8s.io/{requests.name} {done.lower()}\n"
        assert requests.shown(CONDITIONS) == done
        assert requests.name in [one["metadata"]["name"] for one in kubectl.json("get", "csr")["items"]]
        requests.delete()


class TestActing:
    @pytest.fixture(autouse=True)
    def _may_ask(self, kubectl: Kubectl) -> Iterator[None]:
        """Who acts as user1 may do what user1 may, and that is nothing unless somebody says so."""
        name = f"ask-{kubectl.namespace}"
        kubectl("create", "clusterrole", name, "--verb=create", "--resource=certificatesigningrequests")
        kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", "--user=user1")
        yield
        kubectl("delete", "clusterrole,clusterrolebinding", name)

    def test_nobody_has_no_groups(self, kubectl: Kubectl) -> None:
        for flag in ("--as-group=foo", "--as-uid=abc123"):
            refused = kubectl.run("get", "pods", flag)
            assert (refused.returncode, "without impersonating a user" in refused.stderr) == (1, True)

    @pytest.mark.parametrize(
        ("groups", "held"),
        [([], "system:authenticated "), (["group2", "group1", ",,,chameleon"], "group2 group1 ,,,chameleon ")],
        ids=["alone", "with groups"],
    )
    def test_the_user_and_groups(self, requests: Requests, groups: list[str], held: str) -> None:
        requests.create("--as=user1", *(f"--as-group={group}" for group in groups))
        assert requests.shown("{{.spec.username}}") == "user1"
        found = requests.shown("{{range .spec.groups}}{{.}} {{end}}")
        assert found == (f"{held}system:authenticated " if groups else held)
        requests.delete()

    def test_a_uid(self, requests: Requests) -> None:
        requests.create("--as=user1", "--as-uid=abc123")
        assert requests.shown("{{.spec.username}} {{.spec.uid}}") == "user1 abc123"
        requests.delete()


@pytest.fixture
def viewer(process: ServerProcess, kubectl: Kubectl) -> str:
    """A token of an account that may look at bindings."""
    name = f"viewer-{kubectl.namespace}"
    kubectl("create", "serviceaccount", name)
    account = f"--serviceaccount={kubectl.namespace}:{name}"
    kubectl("create", "rolebinding", "viewer", "--clusterrole=admin", account)
    return kubectl("create", "token", name).strip()


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
class TestCredentials:
    """Which of those that kubectl has go with a request; what a plugin gives is what the server is shown."""

    @pytest.fixture
    def ask(self, process: ServerProcess, kubectl: Kubectl, tmp_path: Path, version: str) -> Ask:
        server = {"server": f"https://127.0.0.1:{process.config.api_port}"}
        cluster = {**server, "certificate-authority": str(process.config.pki / "ca.crt")}

        def ask(plugin: list[str], *flags: str, **more: str) -> str:
            """What is said of the namespace by a kubectl whose only credentials are those of the plugin."""
            command, *arguments = plugin
            run = {"apiVersion": f"{EXEC}/{version}", "command": command, "args": arguments, **more}
            path = tmp_path / "plugin.kubeconfig"
            tree = {
                "kind": "Config",
                "apiVersion": "v1",
                "clusters": [{"name": "test", "cluster": cluster}],
                "users": [{"name": "test", "user": {"exec": run}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
                "current-context": "test",
            }
            path.write_text(json.dumps(tree))
            done = kubectl.run(f"--kubeconfig={path}", *flags, "get", "rolebindings", "-o", "name")
            return done.stdout + done.stderr

        return ask

    def test_what_is_told_goes_before_a_plugin(self, ask: Ask, viewer: str) -> None:
        assert ask(["ls"], f"--token={viewer}", **WHEN) == BINDING
        assert "json parse error" in ask(["ls"], **WHEN)

    def test_a_plugins_token(self, ask: Ask, viewer: str, version: str) -> None:
        given = {"apiVersion": f"{EXEC}/{version}", "kind": "ExecCredential", "status": {"token": viewer}}
        plugin = ["echo", json.dumps(given)]
        assert ask(plugin, **WHEN) == BINDING
        assert "Unauthorized" in ask(plugin, "--username=bad", "--password=wrong", **WHEN)
        if version == "v1":
            assert "interactiveMode must be specified for test to use exec authentication plugin" in ask(plugin)
        else:
            assert ask(plugin) == BINDING

    def test_a_certificate_goes_before_a_plugin(
        self, ask: Ask, kubectl: Kubectl, requests: Requests, tmp_path: Path
    ) -> None:
        requests.create()
        kubectl("certificate", "approve", requests.name)
        encoded = kubectl.until(".+", "get", "csr", requests.name, "-o", "jsonpath={.status.certificate}")
        certificate = tmp_path / "crt"
        certificate.write_bytes(base64.b64decode(encoded))
        said = ask(["ls"], f"--client-certificate={certificate}", f"--client-key={requests.key}", **WHEN)
        assert f'User "{requests.name}" cannot list resource "rolebindings"' in said
        requests.delete()


class TestReviews:
    def test_a_review_is_created(self, kubectl: Kubectl) -> None:
        said = kubectl("create", "-f", "-", "--validate=false", stdin=json.dumps(REVIEW))
        assert said.startswith("subjectaccessreview.authorization.k8s.io/")
        assert said.endswith(" created\n")

    def test_curl_reads_the_answer(self, process: ServerProcess, tmp_path: Path) -> None:
        """As the suite greps for it: no type is told of what is sent, and the answer is for people."""
        pki, body = process.config.pki, tmp_path / "sar.json"
        body.write_text(json.dumps(REVIEW))
        url = f"https://127.0.0.1:{process.config.api_port}/apis/authorization.k8s.io/v1/subjectaccessreviews"
        identity = ["--cert", pki / "admin.crt", "--key", pki / "admin.key", "--cacert", pki / "ca.crt"]
        command = ["curl", "-fsS", "-H", "Content-Type:", *map(str, identity), url, "-XPOST", "-d", f"@{body}"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
        assert '"allowed": true' in answer

    @pytest.mark.parametrize(
        ("question", "said"),
        [
            ("* *", "yes\n"),
            ("get pods --subresource=log", "yes\n"),
            ("get /logs/", "yes\n"),
            ("get *", "yes\n"),
            ("get pods", "yes\n"),
            ("list jobs.batch/bar -n foo --quiet", ""),
            ("get nodes --all-namespaces", "yes\n"),
            ("get nodes", "Warning: resource 'nodes' is not namespace scoped\n\nyes\n"),
            ("get foo", "Warning: the server doesn't have a resource type 'foo'\n\nyes\n"),
        ],
    )
    def test_can_i(self, kubectl: Kubectl, question: str, said: str) -> None:
        done = kubectl.run("auth", "can-i", *question.split())
        assert (done.returncode, done.stderr + done.stdout) == (0, said)

    def test_a_path_has_no_subresource(self, kubectl: Kubectl) -> None:
        refused = kubectl.run("auth", "can-i", "get", "/logs/", "--subresource=log")
        assert (refused.returncode, "subresource can not be used with NonResourceURL" in refused.stderr) == (1, True)


class TestReconciling:
    KINDS = ("clusterroles", "clusterrolebindings", "rolebindings", "roles")

    @pytest.fixture
    def file(self, kubectl: Kubectl, tmp_path: Path) -> Iterator[Path]:
        """A role and a binding of each sort, labelled."""
        items: list[JSON] = []
        for scope, namespaced in (("Cluster", {}), ("", {"namespace": kubectl.namespace})):
            metadata = {"name": f"testing-{kubectl.namespace}", "labels": {"test-cmd": kubectl.namespace}, **namespaced}
            kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata}
            rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
            items.append({**kind, "kind": f"{scope}Role", "rules": [rule]})
            role = {"apiGroup": "rbac.authorization.k8s.io", "kind": f"{scope}Role", "name": metadata["name"]}
            subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:masters"}
            items.append({**kind, "kind": f"{scope}RoleBinding", "roleRef": role, "subjects": [subject]})
        path = tmp_path / "rbac.json"
        path.write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": items}))
        yield path
        kubectl("delete", ",".join(self.KINDS), "-l", f"test-cmd={kubectl.namespace}", "--ignore-not-found")

    def _found(self, kubectl: Kubectl) -> list[int]:
        label = f"test-cmd={kubectl.namespace}"
        return [len(kubectl("get", kind, "-l", label, "-o", "name").split()) for kind in self.KINDS]

    def test_in_earnest_and_not(self, kubectl: Kubectl, file: Path) -> None:
        name = f"testing-{kubectl.namespace}:"
        template = "--template={{ .metadata.name }}:"
        assert kubectl("auth", "reconcile", "--dry-run=client", "-f", str(file), template) == name * 4
        assert self._found(kubectl) == [0, 0, 0, 0]
        kubectl("auth", "reconcile", "-f", str(file))
        assert self._found(kubectl) == [1, 1, 1, 1]

    def test_a_version_that_is_gone(self, kubectl: Kubectl, file: Path) -> None:
        old = file.read_text().replace("authorization.k8s.io/v1", "authorization.k8s.io/v1beta1")
        refused = kubectl.run("auth", "reconcile", "-f", "-", stdin=old)
        assert refused.returncode == 1
