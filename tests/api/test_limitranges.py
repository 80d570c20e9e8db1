"""LimitRanges at work: defaults and bounds for what is created in their namespace."""

from __future__ import annotations

import json
from typing import Any

from tests.api.harness import Server
from tests.api.objects import PODS, pod
from tests.kubectl import Kubectl

LIMITS = "/api/v1/namespaces/default/limitranges"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"


async def limit(server: Server, **item: Any) -> None:
    made = await server.post(LIMITS, {"metadata": {"name": "l"}, "spec": {"limits": [{"type": "Container", **item}]}})
    assert made.status == 201, made.body


async def test_a_pod_gets_the_defaults_of_its_namespace(server: Server) -> None:
    await limit(server, default={"cpu": "1"}, defaultRequest={"cpu": "500m"})
    made = (await server.post(PODS, pod())).body
    assert made["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}}
    assert made["metadata"]["annotations"] == {
        "kubernetes.io/limit-ranger": "LimitRanger plugin set: cpu request for container c; cpu limit for container c"
    }
    assert made["status"]["qosClass"] == "Burstable"


async def test_a_pod_above_the_maximum_is_refused(server: Server) -> None:
    await limit(server, max={"memory": "1Gi"}, min={"memory": "1Mi"})
    big = {"limits": {"memory": "2Gi"}}
    refused = await server.post(PODS, pod(containers=[{"name": "c", "image": "x", "resources": big}]))
    assert (refused.status, refused.body["message"]) == (
        403,
        'pods "p" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
    )
    assert (await server.post(PODS, pod())).body["spec"]["containers"][0]["resources"] == {
        "limits": {"memory": "1Gi"},
        "requests": {"memory": "1Gi"},
    }


async def test_pods_that_are_there_stay_as_they_are(server: Server) -> None:
    await server.post(PODS, pod())
    await limit(server, max={"cpu": "1"})
    assert (await server.patch(f"{PODS}/p", {"metadata": {"labels": {"a": "b"}}})).status == 200


async def test_a_claim_above_the_maximum_is_refused(server: Server) -> None:
    await limit(server, type="PersistentVolumeClaim", max={"storage": "1Gi"})
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}
    refused = await server.post(CLAIMS, {"metadata": {"name": "big"}, "spec": spec})
    assert refused.status == 403
    assert refused.body["message"] == (
        'persistentvolumeclaims "big" is forbidden: '
        "maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi"
    )


def test_kubectl_shows_what_a_limit_range_gave(kubectl: Kubectl) -> None:
    item = {"type": "Container", "default": {"cpu": "200m"}}
    limits = {"kind": "LimitRange", "apiVersion": "v1", "metadata": {"name": "l"}, "spec": {"limits": [item]}}
    kubectl.apply(json.dumps(limits))
    kubectl("run", "p", "--image=nginx")
    path = "jsonpath={.spec.containers[0].resources.requests.cpu}"
    assert kubectl("get", "pod", "p", "-o", path) == "200m"
