"""What upstream's conformance suite asks of identities (its sig-auth part) where no Pod has to run, step by step as
its tests do it, by clients such as theirs.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.bearers import eventually
from tests.api.processes import ServerProcess
from tests.api.typed import STRATEGIC, Refused, Typed

JSON = dict[str, Any]
AUTHN, AUTHZ = "authentication.k8s.io/v1", "authorization.k8s.io/v1"
JANE = [
    ("impersonate-user", "jane-doe"),
    ("impersonate-uid", "uniq-id"),
    ("impersonate-group", "system:authenticated"),
    ("impersonate-group", "developers"),
    ("impersonate-extra-known-languages", "python"),
    ("impersonate-extra-known-languages", "javascript"),
]


@pytest.fixture
def admin(process: ServerProcess) -> Typed:
    return Typed.admin(process.config)


@pytest.fixture
def accounts(namespace: str) -> str:
    """The path of the namespace's service accounts."""
    return f"/api/v1/namespaces/{namespace}/serviceaccounts"


def make(admin: Typed, accounts: str, name: str, **fields: Any) -> JSON:
    return admin.create(accounts, "v1", "ServiceAccount", {"metadata": {"name": name}, **fields})


def code_of(client: Typed, path: str) -> int:
    """Of a request for a list."""
    try:
        client.get(path)
    except Refused as refused:
        return refused.code
    return 200


class TestReviews:
    """SubjectReview, SelfSubjectReview."""

    def test_what_a_review_says_is_what_happens(
        self, admin: Typed, process: ServerProcess, namespace: str, accounts: str
    ) -> None:
        account = make(admin, accounts, "e2e")
        user = f"system:serviceaccount:{namespace}:e2e"
        groups = ["system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
        acting = [("impersonate-user", user), ("impersonate-uid", account["metadata"]["uid"])]
        robot = Typed.admin(process.config, *acting, *(("impersonate-group", group) for group in groups))
        about = {"verb": "list", "resource": "configmaps", "namespace": namespace, "version": "v1"}
        spec = {"resourceAttributes": about, "user": user, "groups": groups, "uid": account["metadata"]["uid"]}
        everywhere = ("/apis/authorization.k8s.io/v1/subjectaccessreviews", AUTHZ, "SubjectAccessReview")
        local = f"/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews"
        here = (local, AUTHZ, "LocalSubjectAccessReview")
        refused = admin.create(*everywhere, {"spec": spec})["status"]
        assert code_of(robot, f"/api/v1/namespaces/{namespace}/configmaps") == 403
        assert not refused.get("allowed")
        within = {"metadata": {"namespace": namespace}, "spec": {**spec, "user": "e2e"}}
        assert not admin.create(*here, within)["status"].get("allowed")
        self.allow(admin, namespace)
        assert admin.create(*everywhere, {"spec": spec})["status"]["allowed"]
        assert admin.create(*here, {"metadata": {"namespace": namespace}, "spec": spec})["status"]["allowed"]
        assert code_of(robot, f"/api/v1/namespaces/{namespace}/configmaps") == 200

    @staticmethod
    def allow(admin: Typed, namespace: str) -> None:
        """What the suite leaves to chance: that it is allowed, too."""
        group, path = "rbac.authorization.k8s.io", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        subject = {"kind": "ServiceAccount", "name": "e2e", "namespace": namespace}
        role = {"apiGroup": group, "kind": "ClusterRole", "name": "view"}
        tree = {"metadata": {"name": "view"}, "roleRef": role, "subjects": [subject]}
        admin.create(f"{path}/rolebindings", f"{group}/v1", "RoleBinding", tree)

    def test_i_am_who_i_act_as(self, admin: Typed, process: ServerProcess) -> None:
        (group,) = [group for group in admin.get("/apis")["groups"] if group["name"] == "authentication.k8s.io"]
        assert [version["version"] for version in group["versions"]] == ["v1"]
        assert admin.get("/apis/authentication.k8s.io")["versions"] == group["versions"]
        assert "selfsubjectreviews" in [found["name"] for found in admin.get(f"/apis/{AUTHN}")["resources"]]
        jane = Typed.admin(process.config, *JANE)
        review = jane.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", AUTHN, "SelfSubjectReview", {})
        assert review["status"]["userInfo"] == {
            "username": "jane-doe",
            "uid": "uniq-id",
            "groups": ["system:authenticated", "developers"],
            "extra": {"known-languages": ["python", "javascript"]},
        }

    @pytest.mark.parametrize("version", ["v1alpha1", "v1beta1"])
    def test_versions_that_are_gone_are_not_found(self, process: ServerProcess, version: str) -> None:
        """The suite goes on where it is told so."""
        jane, path = Typed.admin(process.config, *JANE), f"/apis/authentication.k8s.io/{version}/selfsubjectreviews"
        with pytest.raises(Refused) as refused:
            jane.create(path, AUTHN, "SelfSubjectReview", {})
        assert (refused.value.code, refused.value.reason) == (404, "NotFound")


class TestServiceAccounts:
    def test_a_life(self, admin: Typed, namespace: str, accounts: str) -> None:
        labels, selected = {"test-serviceaccount-static": "true"}, "test-serviceaccount-static=true"
        metadata = {"name": "testserviceaccount", "labels": labels}
        created = admin.create(accounts, "v1", "ServiceAccount", {"metadata": metadata})
        path = f"{accounts}/testserviceaccount"
        assert admin.get(path)["metadata"]["uid"] == created["metadata"]["uid"]
        with admin.watch(accounts, labelSelector=selected, timeoutSeconds="180") as events:
            assert next(events)[0] == "ADDED"
            # As Go programs write it, with the fields that they have no means to leave out.
            patch = {"metadata": {"creationTimestamp": None}, "automountServiceAccountToken": False}
            patched = admin.patch(path, patch, STRATEGIC)
            assert int(patched["metadata"]["resourceVersion"]) > int(created["metadata"]["resourceVersion"])
            assert next(events)[0] == "MODIFIED"
            listed = admin.get("/api/v1/serviceaccounts", labelSelector=selected)["items"]
            found = [
                (one["metadata"]["name"], one["automountServiceAccountToken"])
                for one in listed
                if one["metadata"]["namespace"] == namespace
            ]
            assert found == [("testserviceaccount", False)]
            admin.delete(accounts)
            assert next(events)[0] == "DELETED"

    def test_an_update(self, admin: Typed, accounts: str) -> None:
        created = make(admin, accounts, "e2e-sa", automountServiceAccountToken=False)
        assert created["automountServiceAccountToken"] is False
        path = f"{accounts}/e2e-sa"
        updated = admin.update(path, {**admin.get(path), "automountServiceAccountToken": True})
        assert updated["automountServiceAccountToken"] is True

    def test_a_token_is_created_and_reviewed(self, admin: Typed, namespace: str, accounts: str) -> None:
        make(admin, accounts, "e2e-sa")
        answer = admin.create(f"{accounts}/e2e-sa/token", AUTHN, "TokenRequest", {})
        spec = {"token": answer["status"]["token"]}
        review = admin.create("/apis/authentication.k8s.io/v1/tokenreviews", AUTHN, "TokenReview", {"spec": spec})
        assert review["status"]["authenticated"]
        assert "error" not in review["status"]
        assert review["status"]["user"]["username"] == f"system:serviceaccount:{namespace}:e2e-sa"

    def test_no_token_is_made_unasked(self, admin: Typed, namespace: str, accounts: str) -> None:
        assert "secrets" not in admin.get(f"{accounts}/default")
        assert admin.get(f"/api/v1/namespaces/{namespace}/secrets").get("items", []) == []

    def test_the_root_certificate_is_in_every_namespace(self, admin: Typed, namespace: str) -> None:
        maps = f"/api/v1/namespaces/{namespace}/configmaps"
        path = f"{maps}/kube-root-ca.crt"
        eventually(lambda: code_of(admin, path) == 200)
        before = admin.get(path)
        admin.send("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0})
        eventually(lambda: code_of(admin, path) == 200)
        named = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "kube-root-ca.crt"}}
        admin.update(path, {**named, "data": {"ca.crt": ""}})
        eventually(lambda: admin.get(path)["data"] == before["data"])
        assert before["data"]["ca.crt"].startswith("-----BEGIN CERTIFICATE-----")

    @pytest.mark.parametrize(
        ("account", "pod", "mounted"),
        [
            (None, None, True),
            (True, None, True),
            (False, None, False),
            (None, True, True),
            (True, True, True),
            (False, True, True),
            (None, False, False),
            (True, False, False),
            (False, False, False),
        ],
    )
    def test_a_token_is_mounted_unless_somebody_opts_out(
        self, admin: Typed, namespace: str, accounts: str, account: bool | None, pod: bool | None, mounted: bool
    ) -> None:
        wanted = {} if account is None else {"automountServiceAccountToken": account}
        make(admin, accounts, "robot", **wanted)
        containers = [{"name": "token-test", "image": "registry.k8s.io/e2e-test-images/agnhost:2.56"}]
        spec: JSON = {"containers": containers, "restartPolicy": "Never", "serviceAccountName": "robot"}
        if pod is not None:
            spec["automountServiceAccountToken"] = pod
        path = f"/api/v1/namespaces/{namespace}/pods"
        created = admin.create(path, "v1", "Pod", {"metadata": {"name": "p"}, "spec": spec})
        mounts = created["spec"]["containers"][0].get("volumeMounts", [])
        there = "/var/run/secrets/kubernetes.io/serviceaccount" in [mount["mountPath"] for mount in mounts]
        assert there == mounted
