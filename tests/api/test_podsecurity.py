"""PodSecurity at work: labels of a namespace, and what becomes of Pods in it."""

from __future__ import annotations

import json
import re

import pytest

from tests.api.harness import JSON_PATCH, Server
from tests.api.objects import DEPLOYMENTS, PODS, deployment, pod
from tests.kubectl import Kubectl

NAMESPACE = "/api/v1/namespaces/default"
PREFIX = "pod-security.kubernetes.io/"
PLAIN = (
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), '
    'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), '
    'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), '
    'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to '
    '"RuntimeDefault" or "Localhost")'
)


async def label(server: Server, **labels: str) -> list[str]:
    """Label the namespace; returns the warnings."""
    answer = await server.patch(NAMESPACE, {"metadata": {"labels": {f"{PREFIX}{k}": v for k, v in labels.items()}}})
    assert answer.status == 200, answer.body
    return warnings(answer.headers)


def warnings(headers: dict[str, str]) -> list[str]:
    quoted = re.findall(r'299 - ("(?:[^"\\]|\\.)*")', headers.get("warning", ""))
    return [json.loads(text) for text in quoted]


async def test_a_pod_that_breaks_what_is_enforced_is_refused(server: Server) -> None:
    await label(server, enforce="restricted")
    refused = await server.post(PODS, pod())
    assert (refused.status, refused.body["reason"], refused.body["message"]) == (
        403,
        "Forbidden",
        f'pods "p" is forbidden: violates PodSecurity "restricted:latest": {PLAIN}',
    )


async def test_a_pod_that_breaks_what_is_warned_of_is_created(server: Server) -> None:
    await label(server, warn="baseline")
    made = await server.post(PODS, pod(hostNetwork=True))
    assert made.status == 201
    assert any('would violate PodSecurity "baseline:latest": host namespaces' in w for w in warnings(made.headers))


async def test_a_workload_is_warned_of_and_let_in(server: Server) -> None:
    await label(server, enforce="restricted")
    made = await server.post(DEPLOYMENTS, deployment())
    assert (made.status, warnings(made.headers)) == (201, [f'would violate PodSecurity "restricted:latest": {PLAIN}'])


async def test_labels_must_be_understood(server: Server) -> None:
    answer = await server.patch(NAMESPACE, {"metadata": {"labels": {f"{PREFIX}enforce": "strict"}}})
    assert (answer.status, answer.body["message"]) == (
        422,
        'Namespace "default" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: '
        'Invalid value: "strict": must be one of privileged, baseline, restricted',
    )


async def test_who_labels_a_namespace_hears_of_its_pods(server: Server) -> None:
    for name in ("one", "two"):
        await server.post(PODS, pod(name, hostNetwork=True))
    await server.post(PODS, pod("three"))
    assert await label(server, enforce="baseline") == [
        'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
        "one (and 1 other pod): host namespaces",
    ]


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [
        pytest.param("/metadata/labels", {"a": "b"}, 200, id="labels may change"),
        pytest.param("/spec/containers/0/image", "other", 403, id="images may not"),
    ],
)
async def test_pods_that_were_there_before(server: Server, path: str, value: object, status: int) -> None:
    await server.post(PODS, pod(hostNetwork=True))
    await label(server, enforce="baseline")
    patch = [{"op": "add", "path": path, "value": value}]
    assert (await server.patch(f"{PODS}/p", patch, JSON_PATCH)).status == status


def test_kubectl_is_told_why(kubectl: Kubectl) -> None:
    kubectl("label", "namespace", kubectl.namespace, f"{PREFIX}enforce=baseline")
    said = kubectl.run("run", "p", "--image=nginx", '--overrides={"spec":{"hostPID":true}}').stderr
    assert said.strip() == (
        'Error from server (Forbidden): pods "p" is forbidden: '
        'violates PodSecurity "baseline:latest": host namespaces (hostPID=true)'
    )
