"""A kubelet reaches what the Pods of its node need, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.api.signers import KUBELET_CLIENT, KUBELET_SERVING
from tests.api.access import NS, Somebody
from tests.api.front import NODE, Running
from tests.signingrequests import named, request, spec

JSON = dict[str, Any]
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
SLICES = "/apis/resource.k8s.io/v1/resourceslices"
DEVICES = {"driver": "d.example.com", "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}}
SPEC = {
    "nodeName": NODE,
    "serviceAccountName": "default",
    "imagePullSecrets": [{"name": "registry"}],
    "containers": [
        {
            "name": "c",
            "image": "i",
            "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "key", "key": "k"}}}],
            "envFrom": [{"configMapRef": {"name": "all"}}],
        }
    ],
    "volumes": [
        {"name": "s", "secret": {"secretName": "mounted"}},
        {"name": "p", "projected": {"sources": [{"configMap": {"name": "part"}}]}},
        {"name": "c", "persistentVolumeClaim": {"claimName": "claim"}},
        {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "audience": "vault"}}]}},
    ],
}
UNRELATED = f"no relationship found between node '{NODE}' and this object"


@pytest.fixture
async def kubelet(front: Running) -> Somebody:
    """The kubelet of a node with one Pod; there is another one, bound to nothing."""
    await front.post(f"{NS}/pods", {"metadata": {"name": "mine"}, "spec": SPEC})
    spec = {"containers": [{"name": "c", "image": "i", "envFrom": [{"secretRef": {"name": "other"}}]}]}
    await front.post(f"{NS}/pods", {"metadata": {"name": "other"}, "spec": spec})
    for name in ("registry", "key", "mounted", "other"):
        await front.post(f"{NS}/secrets", {"metadata": {"name": name}})
    return Somebody(front, f"system:node:{NODE}", "system:nodes")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        pytest.param(f"GET {NS}/secrets/registry", 200, id="a pull secret"),
        pytest.param(f"GET {NS}/secrets/key", 200, id="a variable's secret"),
        pytest.param(f"GET {NS}/secrets/mounted", 200, id="a volume's secret"),
        pytest.param(f"GET {NS}/secrets?fieldSelector=metadata.name%3Dkey", 200, id="a list of one"),
        pytest.param(f"GET {NS}/configmaps/all", 404, id="a ConfigMap that is missing"),
        pytest.param(f"GET {NS}/configmaps/part", 404, id="a projected ConfigMap"),
        pytest.param(f"GET {NS}/persistentvolumeclaims/claim", 404, id="a claim"),
        pytest.param(f"GET {NS}/pods/mine", 200, id="its Pod"),
        pytest.param(f"GET /api/v1/pods?fieldSelector=spec.nodeName%3D{NODE}", 200, id="its Pods"),
        pytest.param(f"GET /api/v1/nodes/{NODE}", 200, id="its node"),
        pytest.param("GET /api/v1/services", 200, id="services"),
        pytest.param(f"GET {LEASES}/{NODE}", 404, id="its lease"),
        pytest.param("GET /apis/node.k8s.io/v1/runtimeclasses/x", 404, id="a runtime class"),
    ],
)
async def test_what_its_pods_need(kubelet: Somebody, line: str, status: int) -> None:
    assert (await kubelet.send(line))[0] == status


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param(f"GET {NS}/secrets/other", UNRELATED, id="another Pod's secret"),
        pytest.param(f"GET {NS}/secrets", "No Object name found", id="all secrets"),
        pytest.param(f"DELETE {NS}/secrets/key", "can only read resources of this type", id="a secret's end"),
        pytest.param("GET /api/v1/namespaces/kube-system/secrets/key", UNRELATED, id="the name elsewhere"),
        pytest.param(f"GET {NS}/pods/other", UNRELATED, id="another Pod"),
        pytest.param("GET /api/v1/pods", "can only list/watch pods with spec.nodeName field selector", id="all Pods"),
        pytest.param(
            "GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn2",
            "can only list/watch pods with spec.nodeName field selector",
            id="another node's Pods",
        ),
        pytest.param(
            "GET /api/v1/nodes/n2", f"node '{NODE}' cannot read \"n2\", only its own Node object", id="another node"
        ),
        pytest.param(
            "GET /api/v1/nodes", f"node '{NODE}' cannot read all nodes, only its own Node object", id="all nodes"
        ),
        pytest.param(
            f"GET {LEASES}/n2",
            "can only access node lease with the same name as the requesting node",
            id="another's lease",
        ),
        pytest.param(
            f"GET {NS}/secrets?watch=1&fieldSelector=metadata.name%3Dother", UNRELATED, id="a watch of another's secret"
        ),
        pytest.param(f"GET {NS}/secrets?watch=1", "No Object name found", id="a watch of all secrets"),
        pytest.param(
            f"GET {NS}/secrets?fieldSelector=metadata.name!%3Dkey", "No Object name found", id="all secrets but one"
        ),
        pytest.param(
            "GET /api/v1/secrets?fieldSelector=metadata.name%3Dkey",
            "can only read namespaced object of this type",
            id="a name in all namespaces",
        ),
        pytest.param(f"GET {NS}/configmaps/all/status", "cannot read subresource", id="what a ConfigMap does not have"),
        pytest.param(
            "GET /api/v1/pods?fieldSelector=spec.nodeName!%3Dn2",
            "can only list/watch pods with spec.nodeName field selector",
            id="all nodes' Pods but one's",
        ),
        pytest.param(
            f"GET /api/v1/watch/pods?fieldSelector=spec.nodeName%3D{NODE}",
            "can only list/watch pods with spec.nodeName field selector",
            id="a watch as it was long ago",
        ),
        pytest.param(
            f"GET {SLICES}",
            "can only list/watch/deletecollection resourceslices with spec.nodeName field selector",
            id="all nodes' devices",
        ),
        pytest.param(f"DELETE {SLICES}/other", UNRELATED, id="another node's devices"),
    ],
)
async def test_what_they_do_not(kubelet: Somebody, line: str, why: str) -> None:
    status, message = await kubelet.send(line)
    assert status == 403
    assert message.endswith(f": {why}")


async def test_a_pod_that_is_gone_needs_nothing(front: Running, kubelet: Somebody) -> None:
    assert (await kubelet.send(f"GET {NS}/secrets/key"))[0] == 200
    await front.send("DELETE", f"{NS}/pods/mine", {"gracePeriodSeconds": 0})
    assert (await kubelet.send(f"GET {NS}/secrets/key"))[0] == 403


async def test_a_pod_that_is_gone_is_not_evicted(kubelet: Somebody) -> None:
    evicted = await kubelet.send(f"POST {NS}/pods/gone/eviction", {"metadata": {"name": "gone"}})
    assert evicted == (404, 'pods "gone" not found')


async def test_a_volumes_secret_is_read_by_its_claim(front: Running, kubelet: Somebody) -> None:
    csi = {"driver": "d", "volumeHandle": "h", "nodePublishSecretRef": {"name": "csi", "namespace": "kube-system"}}
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "csi": csi,
        "claimRef": {"namespace": "default", "name": "claim"},
    }
    await front.post("/api/v1/persistentvolumes", {"metadata": {"name": "pv"}, "spec": spec})
    assert (await kubelet.send("GET /api/v1/persistentvolumes/pv"))[0] == 200
    assert (await kubelet.send("GET /api/v1/namespaces/kube-system/secrets/csi"))[0] == 404
    assert (await kubelet.send("GET /api/v1/persistentvolumes/other"))[0] == 403


def _token(uid: str, *audiences: str, pod: str = "mine") -> JSON:
    bound = {"kind": "Pod", "apiVersion": "v1", "name": pod, "uid": uid}
    return {"spec": {"audiences": list(audiences), "boundObjectRef": bound}}


async def test_tokens_of_its_pods_alone(front: Running, kubelet: Somebody) -> None:
    path = f"POST {NS}/serviceaccounts/default/token"
    mine, other = [(await front.send("GET", f"{NS}/pods/{n}", {}))["metadata"]["uid"] for n in ("mine", "other")]
    assert (await kubelet.send(path, _token(mine, "vault")))[0] == 201
    refused = [
        await kubelet.send(path, {"spec": {"audiences": ["vault"]}}),
        await kubelet.send(path, _token("", "vault")),
        await kubelet.send(path, _token(other, "vault", pod="other")),
        await kubelet.send(path, _token(other, "vault")),
        await kubelet.send(path, _token(mine, "bank")),
    ]
    assert [status for status, _ in refused] == [403] * 5
    assert [message.partition("forbidden: ")[2].split(" (")[0] for _, message in refused] == [
        "node requested token not bound to a pod",
        "node requested token with a pod binding without a uid",
        "node requested token bound to a pod scheduled on a different node",
        "the UID in the bound object reference",
        f'audience "bank" not found in pod spec volume, system:node:{NODE} is not authorized to '
        "request-serviceaccounts-token-audience",
    ]


@pytest.mark.parametrize(
    ("line", "body", "why"),
    [
        pytest.param(
            f"PATCH {NS}/pods/other/status",
            {"status": {"phase": "Failed"}},
            f'node "{NODE}" can only update pod status for pods with spec.nodeName set to itself',
            id="another Pod's status",
        ),
        pytest.param(
            f"PATCH {NS}/pods/mine/status",
            {"status": {"resourceClaimStatuses": [{"name": "c", "resourceClaimName": "other"}]}},
            f'node "{NODE}" cannot update resource claim statuses',
            id="a claim to another's devices",
        ),
        pytest.param(
            f"PATCH {NS}/pods/mine/status",
            {"metadata": {"labels": {"app": "x"}}},
            f'node "{NODE}" cannot update labels through pod status',
            id="its Pod's labels",
        ),
        pytest.param(
            f"POST {SLICES}",
            {"metadata": {"name": "s"}, "spec": {**DEVICES, "nodeName": "n2"}},
            "can only create ResourceSlice with the same NodeName as the requesting node",
            id="another node's devices",
        ),
        pytest.param(
            f"DELETE {NS}/pods/other",
            None,
            f'node "{NODE}" can only delete pods with spec.nodeName set to itself',
            id="another Pod",
        ),
        pytest.param(
            f"POST {NS}/pods/other/eviction",
            {"metadata": {"name": "other"}},
            f"node {NODE} can only evict pods with spec.nodeName set to itself",
            id="another Pod's eviction",
        ),
        pytest.param(
            f"POST {NS}/pods",
            {"metadata": {"name": "p"}, "spec": {"nodeName": NODE, "containers": [{"name": "c", "image": "i"}]}},
            f'pod does not have "kubernetes.io/config.mirror" annotation, node "{NODE}" can only create mirror pods',
            id="a Pod",
        ),
        pytest.param(
            "PATCH /api/v1/nodes/n2/status",
            {"status": {"phase": "x"}},
            f'node "{NODE}" is not allowed to modify node "n2"',
            id="another node's status",
        ),
        pytest.param(
            "POST /api/v1/nodes",
            {"metadata": {"name": "n3"}},
            f'node "{NODE}" is not allowed to modify node "n3"',
            id="another node",
        ),
        pytest.param(
            f"PATCH /api/v1/nodes/{NODE}",
            {"metadata": {"labels": {"node-role.kubernetes.io/control-plane": "", "own": "x"}}},
            f'node "{NODE}" is not allowed to modify labels: node-role.kubernetes.io/control-plane',
            id="a label of the administrators'",
        ),
        pytest.param(
            f"PATCH /api/v1/nodes/{NODE}",
            {"spec": {"taints": []}},
            f'node "{NODE}" is not allowed to modify taints',
            id="taints",
        ),
        pytest.param(
            f"POST {LEASES}",
            {"metadata": {"name": "n2"}},
            "can only access node lease with the same name as the requesting node",
            id="another's lease",
        ),
    ],
)
async def test_what_it_must_not_write(
    front: Running, kubelet: Somebody, line: str, body: JSON | None, why: str
) -> None:
    await front.post("/api/v1/nodes", {"metadata": {"name": "n2"}})
    status, message = await kubelet.send(line, body)
    assert (status, message.partition("forbidden: ")[2]) == (403, why)


async def test_what_it_may_write(front: Running, kubelet: Somebody) -> None:
    assert (await kubelet.send(f"PATCH {NS}/pods/mine/status", {"status": {"phase": "Running"}}))[0] == 200
    assert (await kubelet.send(f"PATCH /api/v1/nodes/{NODE}", {"metadata": {"labels": {"own": "x"}}}))[0] == 200
    assert (await kubelet.send(f"POST {LEASES}", {"metadata": {"name": NODE}}))[0] == 201
    assert (await kubelet.send(f"DELETE {NS}/pods/mine?gracePeriodSeconds=0"))[0] == 200


async def test_its_devices_are_its_own(kubelet: Somebody) -> None:
    spec = {**DEVICES, "nodeName": NODE}
    assert (await kubelet.send(f"POST {SLICES}", {"metadata": {"name": "s"}, "spec": spec}))[0] == 201
    assert (await kubelet.send(f"GET {SLICES}/s"))[0] == 200
    assert (await kubelet.send(f"GET {SLICES}?fieldSelector=spec.nodeName%3D{NODE}"))[0] == 200
    assert (await kubelet.send(f"DELETE {SLICES}?fieldSelector=spec.nodeName%3D{NODE}"))[0] == 200
    assert (await kubelet.send(f"GET {SLICES}/s"))[0] == 403


async def test_a_name_alone_makes_no_kubelet(front: Running, kubelet: Somebody) -> None:
    assert (await Somebody(front, f"system:node:{NODE}").send(f"GET {NS}/secrets/key"))[0] == 403


async def test_a_mirror_pod_is_the_nodes_own_and_refers_to_nothing(front: Running, kubelet: Somebody) -> None:
    uid = (await front.send("GET", f"/api/v1/nodes/{NODE}", {}))["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": NODE, "uid": uid, "controller": True}
    metadata = {
        "name": "mirror",
        "annotations": {"kubernetes.io/config.mirror": "x"},
        "ownerReferences": [owner],
    }
    spec = {"nodeName": NODE, "containers": [{"name": "c", "image": "i"}]}
    stray = {**metadata, "ownerReferences": []}
    referring = {**spec, "volumes": [{"name": "s", "configMap": {"name": "other"}}]}
    refused = [
        await kubelet.send(f"POST {NS}/pods", {"metadata": stray, "spec": spec}),
        await kubelet.send(f"POST {NS}/pods", {"metadata": metadata, "spec": {**spec, "nodeName": "n2"}}),
        await kubelet.send(f"POST {NS}/pods", {"metadata": metadata, "spec": referring}),
    ]
    assert [message.partition("forbidden: ")[2] for _, message in refused] == [
        f'node "{NODE}" can only create pods with an owner reference set to itself',
        f'node "{NODE}" can only create pods with spec.nodeName set to itself',
        f'node "{NODE}" can not create pods that reference configmaps',
    ]
    assert (await kubelet.send(f"POST {NS}/pods", {"metadata": metadata, "spec": spec}))[0] == 201
    assert (await kubelet.send(f"DELETE {NS}/pods/mirror?gracePeriodSeconds=0"))[0] == 200


@pytest.mark.parametrize(
    ("signer", "user", "status"),
    [
        pytest.param(KUBELET_CLIENT, f"system:node:{NODE}", 201, id="its own, to come in with"),
        pytest.param(KUBELET_SERVING, f"system:node:{NODE}", 201, id="its own, to serve with"),
        pytest.param(KUBELET_CLIENT, "system:node:other", 403, id="another node's"),
        pytest.param(KUBELET_SERVING, "other", 403, id="no node's"),
        pytest.param("example.com/signer", "system:node:other", 201, id="of a signer that is nothing to kubelets"),
    ],
)
async def test_certificates_of_its_own_name_alone(kubelet: Somebody, signer: str, user: str, status: int) -> None:
    body = {"metadata": {"name": "r"}, "spec": spec(request(named(user, "system:nodes")), signer, "digital signature")}
    answered, message = await kubelet.send("POST /apis/certificates.k8s.io/v1/certificatesigningrequests", body)
    assert answered == status
    if status == 403:
        assert message.endswith(f"is forbidden: can only create a node CSR with CN=system:node:{NODE}")


async def test_what_is_no_request_for_a_certificate(kubelet: Somebody) -> None:
    body = {"metadata": {"name": "r"}, "spec": spec(b"x", KUBELET_CLIENT, "digital signature")}
    status, message = await kubelet.send("POST /apis/certificates.k8s.io/v1/certificatesigningrequests", body)
    assert status == 403
    assert message.endswith("unable to parse csr: PEM block type must be CERTIFICATE REQUEST")
