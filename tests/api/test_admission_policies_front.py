"""Admission policies of a whole server: by kubectl, with the user's own rights, with their status."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from knarr.client.resources import VALIDATING_ADMISSION_POLICIES
from knarr.controllers import validatingadmissionpolicystatus
from tests.api.cluster import Cluster
from tests.api.front import Running
from tests.api.harness import Server
from tests.kubectl import installed

POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: owners}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}
  variables:
  - {name: owner, expression: "object.metadata.?labels.?owner"}
  validations:
  - expression: variables.owner.hasValue()
    message: every ConfigMap needs an owner
  - expression: authorizer.group('').resource('secrets').namespace('default').check('delete').allowed()
    reason: Forbidden
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: everywhere}
spec: {policyName: owners, validationActions: [Deny]}
"""
DEFAULTING = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: owned}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}
  matchConditions:
  - {name: unowned, expression: "!has(object.metadata.labels) || !('owner' in object.metadata.labels)"}
  reinvocationPolicy: IfNeeded
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: "Object{metadata: Object.metadata{labels: {'owner': request.userInfo.username}}}"
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: everywhere}
spec: {policyName: owned}
"""


@pytest.mark.parametrize("binary", [installed()[0], installed()[-1]], ids=lambda binary: binary.name)
async def test_policies_by_kubectl(front: Running, binary: Path) -> None:
    kubectl = front.kubectl(binary, front.authority.issue("kubernetes-admin", "system:masters"))

    async def run(*arguments: str, stdin: str | None = None) -> tuple[str, str]:
        done = await asyncio.to_thread(kubectl.run, *arguments, stdin=stdin)
        return done.stdout, done.stderr

    created, _ = await run("apply", "-f", "-", stdin=POLICY)
    assert created.splitlines() == [
        "validatingadmissionpolicy.admissionregistration.k8s.io/owners created",
        "validatingadmissionpolicybinding.admissionregistration.k8s.io/everywhere created",
    ]
    _, refusal = await run("create", "configmap", "a")
    assert refusal.rstrip() == (
        "error: failed to create configmap: configmaps \"a\" is forbidden: ValidatingAdmissionPolicy 'owners' with "
        "binding 'everywhere' denied request: every ConfigMap needs an owner"
    )
    listed, _ = await run("get", "validatingadmissionpolicies.v1.admissionregistration.k8s.io", "--no-headers")
    assert listed.split()[:3] == ["owners", "2", "<unset>"]
    await run("apply", "-f", "-", stdin=DEFAULTING)
    owner, _ = await run("create", "configmap", "a", "-o", "jsonpath={.metadata.labels.owner}")
    assert owner == "kubernetes-admin"


async def test_expressions_are_checked_by_a_controller(server: Server) -> None:
    cluster = Cluster(server)
    async with cluster.running(validatingadmissionpolicystatus.CONTROLLER):
        rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
        spec = {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "object.spec.nothing == 1"}],
        }
        await cluster.create(VALIDATING_ADMISSION_POLICIES, "p", spec)
        found = await cluster.client.get(VALIDATING_ADMISSION_POLICIES, "p", view=dict)
        text = "ERROR: <input>:1:12: undefined field 'nothing'\n | object.spec.nothing == 1\n | ...........^"
        warning = {"fieldRef": "spec.validations[0].expression", "warning": f"apps/v1, Kind=Deployment: {text}\n"}
        assert found["status"] == {"observedGeneration": 1, "typeChecking": {"expressionWarnings": [warning]}}
        corrected = {"spec": {"validations": [{"expression": "object.spec.paused == true"}]}}
        await cluster.client.patch(VALIDATING_ADMISSION_POLICIES, "p", corrected)
        await cluster.settle()
        found = await cluster.client.get(VALIDATING_ADMISSION_POLICIES, "p", view=dict)
        assert found["status"] == {"observedGeneration": 2, "typeChecking": {}}
