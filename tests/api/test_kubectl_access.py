"""The part of upstream's own tests of kubectl that is about roles and bindings: each command, and what is to be seen
afterwards.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.api.processes import NEWEST, OLDEST, ServerProcess, namespace_of, server_process
from tests.kubectl import Kubectl

JSON = dict[str, Any]
SUBJECTS, NAMESPACES = "{{range.subjects}}{{.name}}:{{end}}", "{{range.subjects}}{{.namespace}}:{{end}}"


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One of this module's own: a command here is about all bindings of the cluster."""
    with server_process(tmp_path_factory.mktemp("access")) as running:
        yield running


@pytest.fixture(scope="module", params=[OLDEST, NEWEST], ids=lambda binary: binary.name)
def kubectl(process: ServerProcess, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """The oldest and the newest, each in a namespace for all tests."""
    with namespace_of(process) as name:
        yield process.kubectl(request.param, name)


def shown(kubectl: Kubectl, what: str, template: str) -> str:
    return kubectl("get", *what.split(), "-o", f"go-template={template}")


def rules_of(kubectl: Kubectl, what: str) -> dict[str, list[str]]:
    """Of each field what the rules have, one after the other."""
    fields = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
    found: list[JSON] = kubectl.json("get", *what.split())["rules"]
    gathered = {name: [value for rule in found for value in rule.get(name, [])] for name in fields}
    return {name: values for name, values in gathered.items() if values}


Own = Callable[[str], str]


@pytest.fixture
def own() -> Own:
    """Names of objects that the test has for itself, and that go with the server."""
    suffix = uuid.uuid4().hex[:8]
    return lambda name: f"{name}-{suffix}"


class TestClusterRoles:
    def test_the_first_ones_are_there(self, kubectl: Kubectl) -> None:
        for kind in ("clusterroles", "clusterrolebindings"):
            assert shown(kubectl, f"{kind}/cluster-admin", "{{.metadata.name}}") == "cluster-admin"

    def test_deleting_one_in_a_namespace_is_warned_of(self, kubectl: Kubectl, own: Own) -> None:
        name = own("pod-admin")
        kubectl("create", "clusterrole", name, "--verb=*", "--resource=pods")
        done = kubectl.run("delete", "clusterrole", name)
        assert "warning: deleting cluster-scoped resources" in done.stderr.lower()
        assert f'clusterrole.rbac.authorization.k8s.io "{name}" deleted' in done.stdout

    @pytest.mark.parametrize(
        ("flags", "rules"),
        [
            pytest.param(
                "--verb=* --resource=pods", {"verbs": ["*"], "apiGroups": [""], "resources": ["pods"]}, id="anything"
            ),
            pytest.param(
                "--verb=get,list --resource=pods,deployments.apps",
                {"verbs": ["get", "list"] * 2, "apiGroups": ["", "apps"], "resources": ["pods", "deployments"]},
                id="several resources",
            ),
            pytest.param(
                "--verb=get,list --resource=pods --resource-name=foo",
                {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["foo"]},
                id="a name",
            ),
            pytest.param(
                "--verb=get --non-resource-url=/logs/* --non-resource-url=/healthz/*",
                {"verbs": ["get"], "nonResourceURLs": ["/logs/*", "/healthz/*"]},
                id="paths",
            ),
        ],
    )
    def test_rules(self, kubectl: Kubectl, own: Own, flags: str, rules: dict[str, list[str]]) -> None:
        kubectl("create", "clusterrole", own("role"), *flags.split())
        assert rules_of(kubectl, f"clusterrole {own('role')}") == rules

    def test_aggregation(self, kubectl: Kubectl, own: Own) -> None:
        kubectl("create", "clusterrole", own("aggregation-reader"), "--aggregation-rule=foo1=foo2")
        selectors = "{{range .aggregationRule.clusterRoleSelectors}}{{.matchLabels}}{{end}}"
        assert shown(kubectl, f"clusterrole {own('aggregation-reader')}", selectors) == "map[foo1:foo2]"


class TestBindings:
    CASES = pytest.mark.parametrize(
        ("flag", "first", "second"),
        [
            pytest.param("user", "super-admin", "foo", id="user"),
            pytest.param("group", "the-group", "foo", id="group"),
            pytest.param("serviceaccount", "otherns:sa-name", "otherfoo:foo", id="account"),
        ],
    )

    @CASES
    def test_of_the_cluster(self, kubectl: Kubectl, own: Own, flag: str, first: str, second: str) -> None:
        what = f"clusterrolebinding/{own('super')}"
        kubectl("create", "clusterrolebinding", own("super"), "--clusterrole=admin", f"--{flag}={first}")
        self._gains(kubectl, what, flag, first, second)

    @CASES
    def test_of_a_namespace(self, kubectl: Kubectl, own: Own, flag: str, first: str, second: str) -> None:
        what = f"rolebinding/{own('local')}"
        kubectl("create", "rolebinding", own("local"), "--role=localrole", f"--{flag}={first}")
        assert shown(kubectl, what, "{{.roleRef.kind}}") == "Role"
        self._gains(kubectl, what, flag, first, second)

    @staticmethod
    def _gains(kubectl: Kubectl, what: str, flag: str, first: str, second: str) -> None:
        """Another subject."""
        kubectl("set", "subject", *what.split("/"), f"--{flag}={second}")
        places, names = zip(*((":" + one).split(":")[-2:] for one in (first, second)), strict=True)
        assert shown(kubectl, what, SUBJECTS) == ":".join(names) + ":"
        if flag == "serviceaccount":
            assert shown(kubectl, what, NAMESPACES) == ":".join(places) + ":"

    def test_several_at_once(self, kubectl: Kubectl, own: Own) -> None:
        for flag in ("user", "group"):
            several = [f"--{flag}={flag}-{number}" for number in (1, 2)]
            kubectl("create", "clusterrolebinding", own(flag), "--clusterrole=admin", *several)
            assert shown(kubectl, f"clusterrolebinding/{own(flag)}", SUBJECTS) == f"{flag}-1:{flag}-2:"

    @pytest.mark.parametrize("kind", ["rolebinding", "clusterrolebinding"])
    def test_all_of_them(self, kubectl: Kubectl, own: Own, kind: str) -> None:
        kubectl("create", kind, own("one"), "--clusterrole=admin", "--user=default-admin")
        assert shown(kubectl, f"{kind}/{own('one')}", "{{.roleRef.kind}}") == "ClusterRole"
        kubectl("set", "subject", kind, "--all", f"--user=all-{kubectl.namespace}")
        found = shown(kubectl, f"{kind}/{own('one')}", SUBJECTS)
        assert found == f"default-admin:all-{kubectl.namespace}:"


class TestRoles:
    @pytest.mark.parametrize(
        ("flags", "rules"),
        [
            pytest.param(
                "--verb=* --resource=pods", {"verbs": ["*"], "apiGroups": [""], "resources": ["pods"]}, id="anything"
            ),
            pytest.param(
                "--verb=get,list --resource=deployments.apps",
                {"verbs": ["get", "list"], "apiGroups": ["apps"], "resources": ["deployments"]},
                id="with a group",
            ),
            pytest.param(
                "--verb=get,list --resource=pods/status",
                {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods/status"]},
                id="a subresource",
            ),
            pytest.param(
                "--verb=get,list --resource=replicasets.apps/scale",
                {"verbs": ["get", "list"], "apiGroups": ["apps"], "resources": ["replicasets/scale"]},
                id="a subresource with a group",
            ),
            pytest.param(
                "--verb=get,list --resource=pods --resource-name=foo",
                {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["foo"]},
                id="a name",
            ),
            pytest.param(
                "--verb=get,list --resource=pods/status,deployments.apps",
                {"verbs": ["get", "list"] * 2, "apiGroups": ["", "apps"], "resources": ["pods/status", "deployments"]},
                id="several",
            ),
        ],
    )
    def test_rules(self, kubectl: Kubectl, own: Own, flags: str, rules: dict[str, list[str]]) -> None:
        kubectl("create", "role", own("role"), *flags.split())
        assert rules_of(kubectl, f"role {own('role')}") == rules

    @pytest.mark.parametrize(
        ("resource", "said"),
        [
            ("invalid-resource", '"invalid-resource"'),
            ("deployments.invalid-group", '"deployments" in group "invalid-group"'),
            ("rs.invalid-group/scale", '"rs" in group "invalid-group"'),
        ],
    )
    def test_what_is_not_there(self, kubectl: Kubectl, resource: str, said: str) -> None:
        refused = kubectl.run("create", "role", "invalid", "--verb=get", f"--resource={resource}")
        assert refused.returncode == 1
        assert f"the server doesn't have a resource type {said}" in refused.stderr
