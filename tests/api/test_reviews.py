"""Questions about identities and rights, as kubelets and extensions ask them: answered, and nothing stored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.processes import Reply, ServerProcess

JSON = dict[str, Any]
ISSUER = "https://kubernetes.default.svc.cluster.local"


def ask(server: ServerProcess, kind: str, spec: JSON, namespace: str = "") -> Reply:
    group = "authentication" if kind in ("TokenReview", "SelfSubjectReview") else "authorization"
    path = f"/apis/{group}.k8s.io/v1/{f'namespaces/{namespace}/' if namespace else ''}{kind.lower()}s"
    return server.send("POST", path, {"spec": spec})


def token(server: ServerProcess, namespace: str, *audiences: str) -> str:
    body = {"spec": {"audiences": list(audiences)}} if audiences else {}
    made = server.send("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/default/token", body)
    found: str = made.json["status"]["token"]
    return found


def test_a_token_is_somebodys(process: ServerProcess, namespace: str) -> None:
    reply = ask(process, "TokenReview", {"token": token(process, namespace)})
    status = reply.json["status"]
    assert reply.status == 201
    assert (status["authenticated"], status["audiences"]) == (True, [ISSUER])
    assert status["user"]["username"] == f"system:serviceaccount:{namespace}:default"


def test_a_token_is_good_for_its_audiences_alone(process: ServerProcess, namespace: str) -> None:
    vaults = token(process, namespace, "vault")
    assert "authenticated" not in ask(process, "TokenReview", {"token": vaults}).json["status"]
    status = ask(process, "TokenReview", {"token": vaults, "audiences": ["x", "vault"]}).json["status"]
    assert (status["authenticated"], status["audiences"]) == (True, ["vault"])


def test_a_token_is_nobodys(process: ServerProcess) -> None:
    status = ask(process, "TokenReview", {"token": "a.b.c"}).json["status"]
    assert status["user"] == {} and status["error"]
    assert ask(process, "TokenReview", {}).failure == (
        400,
        "BadRequest",
        "token is required for TokenReview in authentication",
    )


@pytest.mark.parametrize(("verb", "allowed"), [("get", True), ("delete", False)])
def test_what_somebody_may(process: ServerProcess, namespace: str, verb: str, allowed: bool) -> None:
    process.kubectl(namespace=namespace)("create", "role", "reader", "--verb=get", "--resource=pods")
    process.kubectl(namespace=namespace)(
        "create", "rolebinding", "r", "--role=reader", f"--serviceaccount={namespace}:default"
    )
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    asked = {"verb": verb, "resource": "pods", "namespace": namespace}
    spec = {"user": f"system:serviceaccount:{namespace}:default", "groups": groups, "resourceAttributes": asked}
    for kind, where in (("SubjectAccessReview", ""), ("LocalSubjectAccessReview", namespace)):
        reply = ask(process, kind, spec, where)
        assert (reply.status, reply.json["status"]["allowed"], reply.json["spec"]) == (201, allowed, spec)


@pytest.mark.parametrize(
    ("kind", "spec", "field", "message"),
    [
        (
            "SubjectAccessReview",
            {"resourceAttributes": {"verb": "get"}},
            "spec.user",
            'Invalid value: "": at least one of user or group must be specified',
        ),
        (
            "SelfSubjectAccessReview",
            {},
            "spec.resourceAttributes",
            "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ),
        (
            "SelfSubjectAccessReview",
            {"resourceAttributes": {}, "nonResourceAttributes": {"path": "/x"}},
            "spec.nonResourceAttributes",
            'Invalid value: {"path":"/x"}: cannot be specified in combination with resourceAttributes',
        ),
    ],
    ids=["nobody", "nothing", "both"],
)
def test_questions_that_cannot_be_answered(
    process: ServerProcess, kind: str, spec: JSON, field: str, message: str
) -> None:
    reply = ask(process, kind, spec)
    assert reply.failure[:2] == (422, "Invalid")
    assert reply.causes == [("FieldValueInvalid", field, message)]


def test_a_local_question_is_about_its_namespace(process: ServerProcess, namespace: str) -> None:
    spec = {"user": "joe", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "elsewhere"}}
    reply = ask(process, "LocalSubjectAccessReview", spec, namespace)
    assert reply.causes[0][1:] == (
        "spec.resourceAttributes.namespace",
        'Invalid value: "elsewhere": must match metadata.namespace',
    )


@pytest.mark.parametrize(
    ("kind", "demand"),
    [
        ("SubjectAccessReview", "must be empty"),
        ("SelfSubjectAccessReview", "must be empty"),
        ("LocalSubjectAccessReview", "must be empty except for namespace"),
    ],
)
def test_questions_have_no_name(process: ServerProcess, namespace: str, kind: str, demand: str) -> None:
    where = f"namespaces/{namespace}/" if kind.startswith("Local") else ""
    path = f"/apis/authorization.k8s.io/v1/{where}{kind.lower()}s"
    spec = {"user": "joe", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": namespace}}
    if kind.startswith("Self"):
        del spec["user"]
    dropped = {"uid": "x", "creationTimestamp": None}
    assert process.send("POST", path, {"metadata": dropped, "spec": spec}).status == 201
    ((reason, field, message),) = process.send("POST", path, {"metadata": {"name": "x"}, "spec": spec}).causes
    assert (reason, field, message.rpartition(": ")[2]) == ("FieldValueInvalid", "metadata", demand)


def test_a_local_question_is_asked_where_it_says(process: ServerProcess, namespace: str) -> None:
    path = f"/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews"
    spec = {"user": "joe", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": namespace}}
    assert process.send("POST", path, {"spec": spec}).json["metadata"] == {"namespace": namespace}
    why = "the namespace of the provided object does not match the namespace sent on the request"
    elsewhere = process.send("POST", path, {"metadata": {"namespace": "other"}, "spec": spec})
    assert elsewhere.failure == (400, "BadRequest", why)
    about = {"user": "joe", "nonResourceAttributes": {"path": "/x", "verb": "get"}}
    detail = 'Invalid value: {"path":"/x","verb":"get"}: disallowed on this kind of request'
    causes = process.send("POST", path, {"spec": about}).causes
    assert causes == [("FieldValueInvalid", "spec.nonResourceAttributes", detail)]


def test_who_i_am_is_told_with_the_time(process: ServerProcess) -> None:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    answer = process.send("POST", path, {"metadata": {"name": "x", "labels": {"a": "b"}}}).json
    assert list(answer["metadata"]) == ["creationTimestamp"]


def test_what_i_may(process: ServerProcess, namespace: str) -> None:
    status = ask(process, "SelfSubjectRulesReview", {"namespace": namespace}).json["status"]
    assert {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]} in status["resourceRules"]
    assert {"verbs": ["*"], "nonResourceURLs": ["*"]} in status["nonResourceRules"]
    assert ask(process, "SelfSubjectRulesReview", {}).failure == (400, "BadRequest", "no namespace on request")


def test_nothing_is_stored(process: ServerProcess) -> None:
    def keeps_the_revision() -> bool:
        before = process.revision()
        answered = ask(process, "SelfSubjectReview", {}).json["status"]
        assert answered["userInfo"]["username"] == "kubernetes-admin"
        return process.revision() == before

    assert any(keeps_the_revision() for _ in range(50))  # controllers may write now and then, a review never does
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    assert process.send("GET", path).failure[:2] == (405, "MethodNotAllowed")


@pytest.mark.parametrize(
    ("accept", "status"),
    [("application/json;as=Table;v=v1;g=meta.k8s.io", 406), ("application/json;as=Table;v=v1;g=meta.k8s.io,*/*", 201)],
    ids=["a table alone", "a table if there is one"],
)
def test_there_is_no_table_of_questions(process: ServerProcess, accept: str, status: int) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    spec = {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "default"}}
    assert process.send("POST", path, {"spec": spec}, accept=accept).status == status
