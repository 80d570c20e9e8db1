from __future__ import annotations

import asyncio

from tests.api.harness import Server, settle
from tests.api.objects import PODS, pod

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


async def test_a_pod_runs_as_the_default_account_with_its_token(server: Server) -> None:
    spec = (await server.post(PODS, pod(initContainers=[{"name": "i", "image": "x"}]))).body["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")
    (volume,) = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert volume["projected"] == {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [
                        {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                    ]
                }
            },
        ],
    }
    mount = {"name": volume["name"], "readOnly": True, "mountPath": MOUNT}
    assert [c["volumeMounts"] for c in spec["initContainers"] + spec["containers"]] == [[mount], [mount]]


async def test_a_container_with_its_own_mount_keeps_it(server: Server) -> None:
    own = {"name": "mine", "mountPath": MOUNT}
    containers = [{"name": "c", "image": "x", "volumeMounts": [own]}]
    spec = (await server.post(PODS, pod(containers=containers, volumes=[{"name": "mine", "emptyDir": {}}]))).body[
        "spec"
    ]
    assert [m["name"] for m in spec["containers"][0]["volumeMounts"]] == ["mine"]
    assert [v["name"] for v in spec["volumes"]] == ["mine"]


async def test_an_account_may_decline_its_token_and_bring_pull_secrets(server: Server) -> None:
    account = {
        "metadata": {"name": "quiet"},
        "automountServiceAccountToken": False,
        "imagePullSecrets": [{"name": "registry"}],
    }
    await server.post(ACCOUNTS, account)
    spec = (await server.post(PODS, pod(serviceAccountName="quiet"))).body["spec"]
    assert "volumes" not in spec
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    loud = (await server.post(PODS, pod("q", serviceAccountName="quiet", automountServiceAccountToken=True))).body
    assert len(loud["spec"]["volumes"]) == 1


async def test_an_account_that_does_not_exist(server: Server) -> None:
    await server.delete(f"{ACCOUNTS}/default")
    answer = await server.post(PODS, pod())
    assert (answer.status, answer.body["message"]) == (
        403,
        'pods "p" is forbidden: error looking up service account default/default: serviceaccount "default" not found',
    )


async def test_a_pod_tolerates_a_lost_node_for_five_minutes(server: Server) -> None:
    own = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
    spec = (await server.post(PODS, pod(tolerations=[own]))).body["spec"]
    unreachable = {
        "key": "node.kubernetes.io/unreachable",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    assert spec["tolerations"] == [own, unreachable]


async def test_priorities(server: Server) -> None:
    spec = (await server.post(PODS, pod("a"))).body["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    spec = (await server.post(PODS, pod("b", priorityClassName="system-node-critical"))).body["spec"]
    assert spec["priority"] == 2000001000
    unknown = await server.post(PODS, pod("c", priorityClassName="high"))
    assert unknown.body["message"] == 'pods "c" is forbidden: no PriorityClass with name high was found'
    classes = "/apis/scheduling.k8s.io/v1/priorityclasses"
    high = {"metadata": {"name": "high"}, "value": 1000, "globalDefault": True, "preemptionPolicy": "Never"}
    assert (await server.post(classes, high)).status == 201
    spec = (await server.post(PODS, pod("d"))).body["spec"]
    assert (spec["priorityClassName"], spec["priority"], spec["preemptionPolicy"]) == ("high", 1000, "Never")
    wrong = await server.post(PODS, pod("e", priorityClassName="high", priority=5))
    assert wrong.status == 403
    assert wrong.body["message"].startswith('pods "e" is forbidden: the integer value of priority (5) must not be')


async def test_the_first_pod_of_a_namespace_waits_for_its_account(server: Server) -> None:
    await server.post("/api/v1/namespaces", {"metadata": {"name": "new"}})
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}
    made = asyncio.create_task(server.post("/api/v1/namespaces/new/pods", pod))
    await settle()
    assert not made.done()
    await server.post("/api/v1/namespaces/new/serviceaccounts", {"metadata": {"name": "default"}})
    assert (await made).status == 201
