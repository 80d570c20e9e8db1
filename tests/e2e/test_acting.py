"""Who acts as a node, or for a node, as upstream's tests of it go: NodeAuthorizer, constrained impersonation, policies
by the node that a token is bound to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.typed import Typed
from tests.e2e.places import AUTHN, KUBERNETES, MOUNTED, RBAC, RESTRICTED, WHOAMI, Place, forbidden, refused
from tests.kubectl import Kubectl

JSON = dict[str, Any]
ADMISSION, POLICIES = "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"
OPTIONS: JSON = {"kind": "DeleteOptions", "apiVersion": "v1"}


class TestNodes:
    """A node that somebody acts as: NodeAuthorizer."""

    @pytest.mark.parametrize("plural", ["secrets", "configmaps"])
    def test_what_no_pod_of_its_own_needs_is_forbidden_whether_it_is_there_or_not(
        self, place: Place, plural: str
    ) -> None:
        place.kubectl("create", *("secret generic" if plural == "secrets" else "configmap").split(), "node-auth")
        for name in ("foo", "node-auth"):
            said = forbidden(place.as_node(), "GET", place.path(plural, name))
            assert f"no relationship found between node '{place.node}' and this object" in said

    def test_a_secret_that_a_pod_of_its_own_needs(self, place: Place) -> None:
        node, path = place.as_node(), place.path("secrets", "node-auth")
        place.create("Secret", "node-auth", data={"data": "a2VlcCBpdCBzZWNyZXQ="})
        forbidden(node, "GET", path)
        volume = {"name": "v", "secret": {"secretName": "node-auth"}}
        container = {"name": "pause", "image": "busybox:1.28"}
        place.create("Pod", "pause", spec={"nodeName": place.node, "containers": [container], "volumes": [volume]})
        assert node.get(path)["data"] == {"data": "a2VlcCBpdCBzZWNyZXQ="}

    def test_other_nodes_are_none_of_its_business(self, place: Place) -> None:
        node = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "foo"}}
        said = forbidden(place.as_node(), "POST", "/api/v1/nodes", node)
        assert said == f'nodes "foo" is forbidden: node "{place.node}" is not allowed to modify node "foo"'
        forbidden(place.as_node(), "DELETE", "/api/v1/nodes/foo", OPTIONS)


class TestConstrainedImpersonation:
    """Rights to be somebody, and to do as somebody else what the request does."""

    def test_a_pod_acts_as_the_node_that_it_runs_on(self, place: Place) -> None:
        place.run("impersonator", security=RESTRICTED)
        acting = ("impersonate-user", f"system:node:{place.node}")
        robot = place.bearer(place.read("impersonator", f"{MOUNTED}/token"), acting)
        path = place.path("pods")
        own: Any = {"fieldSelector": f"spec.nodeName={place.node}"}
        forbidden(robot, "GET", path, **own)
        to_be = {"verbs": ["impersonate:associated-node"], "apiGroups": [AUTHN], "resources": ["nodes"]}
        to_do = {"verbs": ["impersonate-on:associated-node:list"], "apiGroups": [""], "resources": ["pods"]}
        with place.may_everywhere("node", to_be, to_do):
            assert [pod["metadata"]["name"] for pod in robot.get(path, **own)["items"]] == ["impersonator"]
            forbidden(robot, "GET", path, watch="true", **own)
            elsewhere = place.bearer(place.token_of("default"), acting)
            forbidden(elsewhere, "GET", path, **own)

    def test_a_user_whose_logs_one_reads(self, place: Place) -> None:
        place.create("ServiceAccount", "impersonator")
        place.run("pod-to-log", security=RESTRICTED)
        logs, robot = place.path("pods", "pod-to-log/log"), place.account("impersonator")
        reading = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log", "pods"]}
        place.may("bob", {"apiGroup": RBAC, "kind": "User", "name": "bob"}, reading)
        bob = ("--as=bob", f"--token={place.token_of('impersonator')}")
        as_bob = place.bearer(place.token_of("impersonator"), ("impersonate-user", "bob"))
        forbidden(as_bob, "GET", logs)
        to_be = {"verbs": ["impersonate:user-info"], "apiGroups": [AUTHN], "resources": ["users"]}
        with place.may_everywhere("bob", {**to_be, "resourceNames": ["bob"]}, account="impersonator"):
            forbidden(as_bob, "GET", logs)
            to_do = {"verbs": ["impersonate-on:user-info:get"], "apiGroups": [""], "resources": ["pods/log"]}
            place.may("logs", robot, to_do)
            nobody = self._without_credentials(place)
            assert nobody("get", "--raw", logs, *bob) == ""
            forbidden(as_bob, "GET", place.path("pods", "pod-to-log"))

    @staticmethod
    def _without_credentials(place: Place) -> Kubectl:
        path = place.kubectl.kubeconfig.with_name(f"{place.namespace}.kubeconfig")
        path.write_text(place.kubectl("config", "view", "--raw", "--minify", "--flatten"))
        path.chmod(0o600)
        Kubectl(path)("config", "unset", "users")
        return Kubectl(path, place.namespace)


POLICY: JSON = {
    "matchConditions": [{"name": "isRestrictedUser", "expression": "request.userInfo.username == '{user}'"}],
    "matchConstraints": {
        "resourceRules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE", "DELETE"],
                "resources": ["configmaps"],
            }
        ]
    },
    "variables": [
        {"name": "node", "expression": f"request.userInfo.extra[?'{KUBERNETES}/node-name'][0].orValue('')"},
        {
            "name": "object",
            "expression": "(request.operation == 'DELETE' ? oldObject : object).?metadata.name.orValue('')",
        },
    ],
    "validations": [
        {"expression": "variables.node != ''", "message": "no node association found for user"},
        {
            "expression": "variables.node == variables.object",
            "messageExpression": "'a user on ' + variables.node + ' may not modify ' + variables.object",
        },
    ],
}


class TestPerNode:
    """A policy that lets those on a node write what is of their node alone."""

    @pytest.fixture(autouse=True)
    def _policy(self, place: Place) -> Iterator[None]:
        text, user = json.dumps(POLICY), f"system:serviceaccount:{place.namespace}:default"
        metadata = {"metadata": {"name": place.namespace}}
        binding = {"policyName": place.namespace, "validationActions": ["Deny"]}
        specs = {POLICIES: json.loads(text.replace("{user}", user)), f"{POLICIES}Binding": binding}
        paths = [
            f"/apis/{ADMISSION}/validatingadmissionpolicies",
            f"/apis/{ADMISSION}/validatingadmissionpolicybindings",
        ]
        for path, (kind, spec) in zip(paths, specs.items(), strict=True):
            place.admin.create(path, ADMISSION, kind, {**metadata, "spec": spec})
        account = f"--serviceaccount={place.namespace}:default"
        place.kubectl("create", "rolebinding", "sa-token", "--clusterrole=edit", account)
        yield
        for path in paths:
            place.admin.delete(f"{path}/{place.namespace}", ADMISSION)

    def test_access_is_restricted_by_node(self, place: Place) -> None:
        place.kubectl("label", "namespace", place.namespace, "pod-security.kubernetes.io/enforce=restricted")
        place.run("sa-token", security=RESTRICTED)
        robot = place.bearer(place.read("sa-token", f"{MOUNTED}/token"))
        me = robot.create(WHOAMI, f"{AUTHN}/v1", "SelfSubjectReview", {})["status"]["userInfo"]
        assert me["extra"][f"{KUBERNETES}/node-name"] == [place.node]
        path, own, other = (place.path("configmaps", name) for name in ("", place.node, "unlikely-node"))
        said = f"a user on {place.node} may not modify unlikely-node"
        made = robot.create(path, "v1", "ConfigMap", {"metadata": {"name": place.node}})
        assert said in self.denied(robot, "POST", path, config_map("unlikely-node"))
        there = place.create("ConfigMap", "unlikely-node")
        robot.update(own, made)
        assert said in self.denied(robot, "PUT", other, there)
        robot.delete(own)
        assert said in self.denied(robot, "DELETE", other, OPTIONS)
        robot.create(path, "v1", "ConfigMap", {"metadata": {"name": place.node}})
        assert f"a user on {place.node} may not modify" in self.denied(robot, "DELETE", path, OPTIONS)

    def test_who_is_on_no_node_is_refused(self, place: Place) -> None:
        adrift, path = place.bearer(place.token_of("default")), place.path("configmaps")
        me = adrift.create(WHOAMI, f"{AUTHN}/v1", "SelfSubjectReview", {})["status"]["userInfo"]
        assert f"{KUBERNETES}/node-name" not in me["extra"]
        place.create("ConfigMap", "unlikely-node")
        said = "no node association found for user"
        for name in (place.node, "some-node"):
            assert said in self.denied(adrift, "POST", path, config_map(name))
        assert said in self.denied(adrift, "DELETE", f"{path}/unlikely-node", OPTIONS)

    @staticmethod
    def denied(client: Typed, method: str, path: str, tree: JSON) -> str:
        """By a policy, which says why it is invalid."""
        return refused(422, "Invalid", client, method, path, tree)


def config_map(name: str) -> JSON:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}}
