"""ValidatingAdmissionPolicies: their expressions are held against the types that they are about, once a generation."""

from __future__ import annotations

from knarr.client.objects import JSON, Object, View
from knarr.client.resources import CUSTOM_RESOURCE_DEFINITIONS, VALIDATING_ADMISSION_POLICIES
from knarr.machinery.errors import NotFound
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch


class PolicyStatus(View, frozen=True):
    observed_generation: int = 0


class Policy(Object, frozen=True):
    status: PolicyStatus = PolicyStatus()


async def reconcile(context: Context, key: str) -> None:
    """Write what is wrong with the policy's expressions into its status."""
    known = context.cache(VALIDATING_ADMISSION_POLICIES, Policy).get(key)
    if known is None or known.metadata.generation <= known.status.observed_generation:
        return
    try:
        policy: JSON = await context.client.get(VALIDATING_ADMISSION_POLICIES, key, view=dict)
    except NotFound:
        return
    found = await _warnings(context, policy["spec"])
    typing = {"expressionWarnings": found} if found else {}
    status = {"observedGeneration": policy["metadata"]["generation"], "typeChecking": typing}
    body = {**policy, "status": {**(policy.get("status") or {}), **status}}
    await context.client.update(VALIDATING_ADMISSION_POLICIES, body, key, subresource="status")


async def _warnings(context: Context, spec: JSON) -> list[JSON]:
    from knarr.api import typechecking  # with it comes the language, which nobody needs before the first policy

    definitions: list[JSON] = []
    if typechecking.needs_definitions(spec):
        definitions = list((await context.reader.list(CUSTOM_RESOURCE_DEFINITIONS, view=dict)).items)
    return typechecking.warnings(spec, definitions)


CONTROLLER = Controller(
    name="validatingadmissionpolicy-status-controller",
    queue="validatingadmissionpolicy-status",
    watches=(Watch(VALIDATING_ADMISSION_POLICIES, Policy),),
    reconcile=reconcile,
    may={
        "validatingadmissionpolicies.admissionregistration.k8s.io": "get",
        "validatingadmissionpolicies.admissionregistration.k8s.io/status": "update",
    },
)
