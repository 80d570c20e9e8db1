"""Service account tokens as kubectl's users ask for them, keep them in Secrets, and use them."""

from __future__ import annotations

import json

from tests.api.bearers import claims_of, eventually, whoami
from tests.api.processes import NEWEST, ServerProcess
from tests.kubectl import Kubectl


def user_of(process: ServerProcess, kubectl: Kubectl, token: str) -> str:
    """Whom kubectl acts as with nothing but the token."""
    server = f"--server=https://127.0.0.1:{process.config.api_port}"
    trusted = f"--certificate-authority={process.config.pki / 'ca.crt'}"
    done = kubectl.run("--kubeconfig=/dev/null", server, trusted, f"--token={token}", "get", "pods")
    assert done.returncode == 1  # it may nothing: the refusal says who was refused
    return done.stderr.partition('User "')[2].partition('"')[0] or done.stderr


def test_a_token_is_created(process: ServerProcess, kubectl: Kubectl) -> None:
    kubectl("create", "serviceaccount", "robot")
    asked = ("--duration=20m", f"--audience=https://kubernetes.default.svc.{process.config.domain}", "--audience=vault")
    token = kubectl("create", "token", "robot", *asked).strip()
    claims = claims_of(token)
    assert claims["exp"] - claims["iat"] == 1200
    assert claims["aud"][1:] == ["vault"]
    assert user_of(process, kubectl, token) == f"system:serviceaccount:{kubectl.namespace}:robot"
    vaults = kubectl("create", "token", "robot", "--audience=vault").strip()
    assert "Unauthorized" in user_of(process, kubectl, vaults)


def test_a_token_is_bound(process: ServerProcess, kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "it")
    kubectl("run", "it", "--image=i")
    for kind in ("Secret", "Pod"):
        token = kubectl("create", "token", "default", f"--bound-object-kind={kind}", "--bound-object-name=it").strip()
        uid = kubectl("get", kind, "it", "-o", "jsonpath={.metadata.uid}")
        assert claims_of(token)["kubernetes.io"][kind.lower()] == {"name": "it", "uid": uid}
        assert user_of(process, kubectl, token) == f"system:serviceaccount:{kubectl.namespace}:default"
        stale = kubectl.run(
            "create", "token", "default", f"--bound-object-kind={kind}", "--bound-object-name=it",
            "--bound-object-uid=x",
        )  # fmt: skip
        assert "the UID in the bound object reference (x) does not match the UID in record." in stale.stderr
        kubectl("delete", kind, "it", "--now")
        assert "Unauthorized" in user_of(process, kubectl, token)


def test_a_token_is_bound_to_a_node(process: ServerProcess, namespace: str) -> None:
    kubectl = process.kubectl(NEWEST, namespace)  # older ones know no tokens of nodes
    node = f"node-{namespace}"
    kubectl.apply(f'{{"kind": "Node", "apiVersion": "v1", "metadata": {{"name": "{node}"}}}}')
    token = kubectl("create", "token", "default", "--bound-object-kind=Node", f"--bound-object-name={node}").strip()
    assert user_of(process, kubectl, token) == f"system:serviceaccount:{namespace}:default"
    assert whoami(process, token)["extra"]["authentication.kubernetes.io/node-name"] == [node]  # type: ignore[index]
    kubectl("delete", "node", node)
    assert "Unauthorized" in user_of(process, kubectl, token)


def test_a_secret_gets_a_token(process: ServerProcess, kubectl: Kubectl) -> None:
    kubectl("create", "serviceaccount", "robot")
    kubectl.apply(secret("robot-token", "robot"))
    eventually(lambda: "token" in data_of(kubectl, "robot-token"))
    data = data_of(kubectl, "robot-token")
    assert data["namespace"] == kubectl.namespace
    assert data["ca.crt"] == (process.config.pki / "ca.crt").read_text()
    assert user_of(process, kubectl, data["token"]) == f"system:serviceaccount:{kubectl.namespace}:robot"
    described = kubectl("describe", "serviceaccount", "robot")
    assert "robot-token" in next(line for line in described.splitlines() if line.startswith("Tokens:"))
    used = kubectl("get", "secret", "robot-token", "-o", r"jsonpath={.metadata.labels}")
    assert list(json.loads(used)) == ["kubernetes.io/legacy-token-last-used"]
    kubectl("delete", "secret", "robot-token")
    assert "Unauthorized" in user_of(process, kubectl, data["token"])


def test_who_uses_a_token_that_nobody_asked_for_is_warned(process: ServerProcess, kubectl: Kubectl) -> None:
    kubectl.apply(secret("old", "default"))
    eventually(lambda: "token" in data_of(kubectl, "old"))
    kubectl("patch", "serviceaccount", "default", "-p", '{"secrets": [{"name": "old"}]}')
    token, server = data_of(kubectl, "old")["token"], f"--server=https://127.0.0.1:{process.config.api_port}"
    trusted = f"--certificate-authority={process.config.pki / 'ca.crt'}"
    done = kubectl.run("--kubeconfig=/dev/null", server, trusted, f"--token={token}", "get", "pods")
    assert done.stderr.startswith(
        "Warning: Use tokens from the TokenRequest API or manually created secret-based tokens"
    )
    kubectl("label", "secret", "old", "kubernetes.io/legacy-token-invalid-since=2025-01-01")
    assert "Unauthorized" in user_of(process, kubectl, token)
    kubectl("delete", "secret", "old")
    eventually(lambda: kubectl("get", "serviceaccount", "default", "-o", "jsonpath={.secrets}") == "")


def test_a_token_goes_with_its_account(process: ServerProcess, kubectl: Kubectl) -> None:
    kubectl("create", "serviceaccount", "robot")
    kubectl.apply(secret("robot-token", "robot"))
    eventually(lambda: "token" in data_of(kubectl, "robot-token"))
    kept, asked = data_of(kubectl, "robot-token")["token"], kubectl("create", "token", "robot").strip()
    kubectl("delete", "serviceaccount", "robot")
    assert [whoami(process, token) for token in (kept, asked)] == [401, 401]
    eventually(lambda: kubectl.run("get", "secret", "robot-token").returncode == 1)
    kubectl("create", "serviceaccount", "robot")
    assert [whoami(process, token) for token in (kept, asked)] == [401, 401]


def test_a_secret_for_nobody_is_removed(kubectl: Kubectl) -> None:
    kubectl.apply(secret("orphan", "nobody"))
    eventually(lambda: kubectl.run("get", "secret", "orphan").returncode == 1)


def secret(name: str, account: str) -> str:
    return f"""
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata:
  name: {name}
  annotations:
    kubernetes.io/service-account.name: {account}
"""


def data_of(kubectl: Kubectl, name: str) -> dict[str, str]:
    template = '{{range $key, $value := .data}}{{$key}}{{"\\x00"}}{{base64decode $value}}{{"\\x00"}}{{end}}'
    words = kubectl("get", "secret", name, "-o", f"go-template={template}").split("\x00")
    return dict(zip(words[::2], words[1::2], strict=False))
