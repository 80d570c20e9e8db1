from __future__ import annotations

import asyncio
from typing import Any

import pytest

from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import ALLOWED, NO_OPINION, Decision, Local
from knarr.apiserver.info import RequestInfo
from tests.api.harness import Server, settle
from tests.api.objects import PODS, pod
from tests.signingrequests import named, request, spec

JSON = dict[str, Any]

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


async def test_pods_of_one_template_stay_alike_in_all_but_their_metadata(server: Server) -> None:
    first, second = [(await server.post(PODS, pod(name))).body for name in ("a", "b")]
    assert (first["spec"], first["status"]) == (second["spec"], second["status"])
    assert first["metadata"]["managedFields"] == second["metadata"]["managedFields"]


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


CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"


def claim(name: str = "c", size: str = "1Gi", **spec: Any) -> JSON:
    asked = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **spec}
    return {"metadata": {"name": name}, "spec": asked}


def marked(name: str, **rest: Any) -> JSON:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {"metadata": {"name": name, "annotations": annotations}, "provisioner": "p", **rest}


async def test_a_claim_gets_the_default_storage_class(server: Server) -> None:
    assert "storageClassName" not in (await server.post(CLAIMS, claim("none"))).body["spec"]
    await server.post(CLASSES, marked("old"))
    await server.clock.advance(1)
    await server.post(CLASSES, marked("young"))
    assert (await server.post(CLAIMS, claim("a"))).body["spec"]["storageClassName"] == "young"
    assert (await server.post(CLAIMS, claim("b", storageClassName=""))).body["spec"]["storageClassName"] == ""


async def test_claims_and_volumes_are_kept_while_in_use(server: Server) -> None:
    assert (await server.post(CLAIMS, claim())).body["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    source = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    volume = (await server.post("/api/v1/persistentvolumes", {"metadata": {"name": "v"}, "spec": source})).body
    assert volume["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"]


async def test_a_claim_grows_only_where_it_may(server: Server) -> None:
    await server.post(CLASSES, marked("rigid"))
    await server.post(CLASSES, {"metadata": {"name": "soft"}, "provisioner": "p", "allowVolumeExpansion": True})
    grown = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    for name, found in {"rigid": "r", "soft": "s"}.items():
        await server.post(CLAIMS, claim(found, storageClassName=name, volumeName="v"))
    unbound = await server.patch(f"{CLAIMS}/s", grown)
    assert unbound.body["message"].startswith(
        'PersistentVolumeClaim "s" is invalid: spec: Forbidden: spec is immutable'
    )
    for found in "rs":
        await server.patch(f"{CLAIMS}/{found}/status", {"status": {"phase": "Bound"}})
    refused = await server.patch(f"{CLAIMS}/r", grown)
    assert (refused.status, refused.body["message"]) == (
        403,
        'persistentvolumeclaims "r" is forbidden: only dynamically provisioned pvc can be resized and '
        "the storageclass that provisions the pvc must support resize",
    )
    assert (await server.patch(f"{CLAIMS}/s", grown)).status == 200


async def test_an_ingress_gets_the_default_class(server: Server) -> None:
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"}
    one = {"metadata": {"name": "edge", "annotations": annotations}, "spec": {"controller": "example.com/edge"}}
    await server.post("/apis/networking.k8s.io/v1/ingressclasses", one)
    backend = {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}
    ingress = {"metadata": {"name": "i"}, "spec": backend}
    made = await server.post("/apis/networking.k8s.io/v1/namespaces/default/ingresses", ingress)
    assert made.body["spec"]["ingressClassName"] == "edge"


async def test_a_pod_takes_what_its_runtime_class_says(server: Server) -> None:
    scheduling = {"nodeSelector": {"runtime": "vm"}, "tolerations": [{"key": "vm", "operator": "Exists"}]}
    classes = "/apis/node.k8s.io/v1/runtimeclasses"
    overhead = {"podFixed": {"memory": "128Mi"}}
    await server.post(
        classes, {"metadata": {"name": "vm"}, "handler": "kata", "overhead": overhead, "scheduling": scheduling}
    )
    spec = (await server.post(PODS, pod(runtimeClassName="vm", nodeSelector={"a": "b"}))).body["spec"]
    assert (spec["overhead"], spec["nodeSelector"]) == ({"memory": "128Mi"}, {"a": "b", "runtime": "vm"})
    assert {"key": "vm", "operator": "Exists"} in spec["tolerations"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        pytest.param({"runtimeClassName": "no"}, 'pod rejected: RuntimeClass "no" not found', id="no such class"),
        pytest.param(
            {"overhead": {"cpu": "1"}},
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
            id="overhead of one's own",
        ),
        pytest.param(
            {"runtimeClassName": "vm", "overhead": {"cpu": "1"}},
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
            id="another overhead",
        ),
        pytest.param(
            {"runtimeClassName": "vm", "nodeSelector": {"runtime": "c"}},
            "conflict: runtimeClass.scheduling.nodeSelector[runtime] = vm; pod.spec.nodeSelector[runtime] = c",
            id="another place",
        ),
    ],
)
async def test_runtime_classes_that_do_not_fit(server: Server, spec: JSON, why: str) -> None:
    vm = {"handler": "kata", "overhead": {"podFixed": {"cpu": "2"}}, "scheduling": {"nodeSelector": {"runtime": "vm"}}}
    await server.post("/apis/node.k8s.io/v1/runtimeclasses", {"metadata": {"name": "vm"}, **vm})
    refused = await server.post(PODS, pod(**spec))
    assert (refused.status, refused.body["message"]) == (403, f'pods "p" is forbidden: {why}')


async def test_a_new_node_takes_no_pods_yet(server: Server) -> None:
    made = (await server.post("/api/v1/nodes", {"metadata": {"name": "n"}})).body
    assert made["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


async def test_a_pod_carries_the_zone_of_its_node(server: Server) -> None:
    labels = {"topology.kubernetes.io/zone": "z", "topology.kubernetes.io/region": "r", "other": "o"}
    await server.post("/api/v1/nodes", {"metadata": {"name": "n", "labels": labels}})
    await server.post(PODS, pod(labels={"app": "web"}))
    await server.post(f"{PODS}/p/binding", {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}})
    found = (await server.get(f"{PODS}/p")).body["metadata"]["labels"]
    assert found == {"app": "web", "topology.kubernetes.io/zone": "z", "topology.kubernetes.io/region": "r"}
    static = (await server.post(PODS, pod("q", nodeName="n"))).body["metadata"]["labels"]
    assert static == {"topology.kubernetes.io/zone": "z", "topology.kubernetes.io/region": "r"}


async def test_one_priority_class_is_the_default(server: Server) -> None:
    classes = "/apis/scheduling.k8s.io/v1/priorityclasses"
    await server.post(classes, {"metadata": {"name": "one"}, "value": 1, "globalDefault": True})
    refused = await server.post(classes, {"metadata": {"name": "two"}, "value": 2, "globalDefault": True})
    assert (refused.status, refused.body["message"]) == (
        403,
        'priorityclasses.scheduling.k8s.io "two" is forbidden: '
        "PriorityClass one is already marked as default. Only one default can exist",
    )
    assert (await server.patch(f"{classes}/one", {"description": "still"})).status == 200


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        pytest.param(
            {"volumes": [{"name": "v", "secret": {"secretName": "x"}}]},
            'volume with secret.secretName="x" is not allowed because service account strict',
            id="volume",
        ),
        pytest.param(
            {"containers": [{"name": "c", "image": "i", "envFrom": [{"secretRef": {"name": "x"}}]}]},
            'container c with envFrom referencing secret.secretName="x" is not allowed because service account strict',
            id="environment",
        ),
        pytest.param(
            {"imagePullSecrets": [{"name": "x"}]},
            'imagePullSecret.name="x" is not allowed because service account strict',
            id="pull secret",
        ),
    ],
)
async def test_an_account_that_enforces_its_own_secrets(server: Server, spec: JSON, why: str) -> None:
    annotations = {"kubernetes.io/enforce-mountable-secrets": "true"}
    await server.post(
        ACCOUNTS, {"metadata": {"name": "strict", "annotations": annotations}, "secrets": [{"name": "own"}]}
    )
    refused = await server.post(PODS, pod(serviceAccountName="strict", **spec))
    assert refused.status == 403
    assert refused.body["message"].startswith(f'pods "p" is forbidden: {why} does not reference that')
    own = pod(serviceAccountName="strict", volumes=[{"name": "v", "secret": {"secretName": "own"}}])
    assert (await server.post(PODS, own)).status == 201


class Signers(Local):
    """An authorizer that lets somebody use one signer."""

    def __init__(self, verb: str, name: str) -> None:
        self._allowed = verb, "signers", name

    def at_once(self, user: User, info: RequestInfo) -> Decision:
        return ALLOWED if (info.verb, info.resource, info.name) == self._allowed else NO_OPINION


REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


def request_for(organization: str, signer: str) -> JSON:
    """A request for a client certificate."""
    return {"metadata": {"name": "r"}, "spec": spec(request(named("jane", organization)), signer, "client auth")}


async def test_nobody_asks_to_be_a_master(server: Server) -> None:
    signer = "kubernetes.io/kube-apiserver-client"
    refused = await server.post(REQUESTS, request_for("system:masters", signer))
    assert (refused.status, refused.body["message"]) == (
        403,
        'certificatesigningrequests.certificates.k8s.io "r" is forbidden: '
        f"use of {signer} signer with system:masters group is not allowed",
    )
    assert (await server.post(REQUESTS, request_for("developers", signer))).status == 201


@pytest.mark.parametrize(
    ("name", "status"), [("example.com/clients", 200), ("example.com/*", 200), ("example.com/servers", 403)]
)
async def test_who_approves_may_do_so_for_the_signer(server: Server, name: str, status: int) -> None:
    await server.post(REQUESTS, request_for("developers", "example.com/clients"))
    server.api.registry.authorizer = Signers("approve", name)
    condition = {"type": "Approved", "status": "True", "reason": "r"}
    answer = await server.patch(f"{REQUESTS}/r/approval", {"status": {"conditions": [condition]}})
    assert answer.status == status
    if status == 403:
        why = 'user not permitted to approve requests with signerName "example.com/clients"'
        assert answer.body["message"].endswith(f"is forbidden: {why}")


@pytest.mark.parametrize(("verb", "status"), [("sign", 200), ("approve", 403)])
async def test_who_signs_may_do_so_for_the_signer(server: Server, verb: str, status: int) -> None:
    await server.post(REQUESTS, request_for("developers", "example.com/clients"))
    server.api.registry.authorizer = Signers(verb, "example.com/clients")
    condition = {"type": "Failed", "status": "True", "reason": "r"}
    answer = await server.patch(f"{REQUESTS}/r/status", {"status": {"conditions": [condition]}})
    assert answer.status == status
    if status == 403:
        why = 'user not permitted to sign requests with signerName "example.com/clients"'
        assert answer.body["message"].endswith(f"is forbidden: {why}")
