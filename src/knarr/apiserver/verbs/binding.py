"""pods/binding: how a scheduler gives a Pod its node, once and for all."""

from __future__ import annotations

from msgspec.structs import replace

from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.api.types import type_of
from knarr.apiserver.admission.admission import Waived
from knarr.apiserver.admission.plugin import Form
from knarr.apiserver.verbs import bodies
from knarr.apiserver.verbs.answers import success
from knarr.apiserver.verbs.attributes import admit_as
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.objectmeta import require_name
from knarr.apiserver.verbs.parts import WHOLE
from knarr.apiserver.verbs.writing import Draft, update_object
from knarr.machinery.errors import Conflict, Invalid
from knarr.machinery.fielderrors import FieldError, not_supported, required
from knarr.machinery.times import format_time
from knarr.wire.messages import Answer

_DEFINITION = "io.k8s.api.core.v1.Binding"
_FORM = Form("", "v1", "Binding", _DEFINITION)


async def bind(call: Call) -> Answer:
    """Assign the Pod to the node that the body's target names."""
    return await _bind(call, bodies.read_as(call, "Binding", ("v1",), type_of(_DEFINITION)))


async def create(call: Call) -> Answer:
    """A POST of a Binding by itself, as old clients send it: the Pod is that of its name."""
    binding = bodies.read_object(call)
    pods = call.registry.find("", "pods")
    info = replace(call.request.info, resource="pods", name=dig(binding, "metadata.name", ""), subresource="binding")
    if pods is None:
        raise call.not_found(info.name)
    request = replace(call.request, info=info)
    return await _bind(Call(call.registry, request, pods, pods.storage_version, call.admission), binding)


async def _bind(call: Call, binding: JSON) -> Answer:
    await admit_as(call, binding, _FORM)
    require_name(call, "Binding", binding)
    _check(call, binding)

    def draft(old: JSON, revision: int) -> Draft:
        return Draft(_bound(call, old, binding))

    await update_object(replace(call, admission=Waived()), call.name, draft, WHOLE)
    return success(call, 201)


def _check(call: Call, binding: JSON) -> None:
    target = binding.get("target") or {}
    errors: list[FieldError] = []
    if target.get("kind", "Node") not in ("", "Node"):
        errors.append(not_supported("target.kind", target["kind"], ["Node", "<empty>"]))
    if not target.get("name"):
        errors.append(required("target.name"))
    if errors:
        raise Invalid.of("", "Binding", call.name, errors)


def _bound(call: Call, pod: JSON, binding: JSON) -> JSON:
    """The Pod on its node, with the binding's annotations and labels. Raises Conflict."""
    metadata, wanted = pod["metadata"], binding.get("metadata") or {}
    if wanted.get("uid") and wanted["uid"] != metadata["uid"]:
        raise _refused(
            call, f"Precondition failed: UID in precondition: {wanted['uid']}, UID in object meta: {metadata['uid']}"
        )
    if metadata.get("deletionTimestamp"):
        raise _refused(call, f"pod {call.name} is being deleted, cannot be assigned to a host")
    if node := pod["spec"].get("nodeName"):
        raise _refused(call, f'pod {call.name} is already assigned to node "{node}"')
    if pod["spec"].get("schedulingGates"):
        raise _refused(call, f"pod {call.name} has non-empty .spec.schedulingGates")
    metadata = dict(metadata)
    for name in ("annotations", "labels"):
        if wanted.get(name):
            metadata[name] = {**(metadata.get(name) or {}), **wanted[name]}
    spec = {**pod["spec"], "nodeName": binding["target"]["name"]}
    return {**pod, "metadata": metadata, "spec": spec, "status": _scheduled(call, pod.get("status") or {})}


def _scheduled(call: Call, status: JSON) -> JSON:
    """The status with the condition PodScheduled true."""
    others = [condition for condition in status.get("conditions") or () if condition.get("type") != "PodScheduled"]
    now = format_time(call.registry.clock.now())
    condition = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now}
    return {**status, "conditions": [*others, {k: v for k, v in condition.items() if v is not None}]}


def _refused(call: Call, why: str) -> Conflict:
    return Conflict(
        f'Operation cannot be fulfilled on pods/binding "{call.name}": {why}', kind="pods/binding", name=call.name
    )
