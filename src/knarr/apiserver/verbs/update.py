"""PUT of an object, or of the part of it that a subresource is."""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.apiserver.verbs import objectmeta, ownership
from knarr.apiserver.verbs.answers import object_answer
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.create import reader
from knarr.apiserver.verbs.parts import MAIN, Part
from knarr.apiserver.verbs.writing import Draft, update_object
from knarr.machinery.errors import Invalid
from knarr.machinery.fielderrors import invalid
from knarr.wire.messages import Answer

# Resources that a PUT may create, and those whose PUT must name its resourceVersion, as all custom ones must: as
# upstream's strategies have it.
_CREATED_BY_UPDATE = frozenset(
    {
        "clusterrolebindings.rbac.authorization.k8s.io",
        "clusterroles.rbac.authorization.k8s.io",
        "endpoints",
        "events",
        "events.events.k8s.io",
        "leases.coordination.k8s.io",
        "limitranges",
        "rolebindings.rbac.authorization.k8s.io",
        "roles.rbac.authorization.k8s.io",
        "services",
    }
)
_CONDITIONAL = frozenset(
    {
        "apiservices.apiregistration.k8s.io",
        "csidrivers.storage.k8s.io",
        "csinodes.storage.k8s.io",
        "csistoragecapacities.storage.k8s.io",
        "customresourcedefinitions.apiextensions.k8s.io",
        "ipaddresses.networking.k8s.io",
        "leases.coordination.k8s.io",
        "mutatingadmissionpolicies.admissionregistration.k8s.io",
        "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "poddisruptionbudgets.policy",
        "runtimeclasses.node.k8s.io",
        "servicecidrs.networking.k8s.io",
        "validatingadmissionpolicies.admissionregistration.k8s.io",
        "validatingadmissionpolicybindings.admissionregistration.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "volumeattachments.storage.k8s.io",
    }
)


async def update(call: Call) -> Answer:
    """Replace the object; where there is none, some kinds are created."""
    return await replace(call, MAIN)


async def replace(call: Call, part: Part) -> Answer:
    """Replace what `part` says of the object by what the body says of it."""
    ownership.check_options(call)
    read = reader(call)

    def create() -> Draft:
        wanted = read()
        objectmeta.check_uid(call, wanted.tree["metadata"].get("uid"), "")
        if part is not MAIN or call.kind.qualified_resource not in _CREATED_BY_UPDATE:
            raise call.not_found()
        return wanted

    stored, created = await update_object(
        call, call.name, lambda old, revision: _draft(call, read().tree), part, create=create
    )
    return object_answer(call, stored, 201 if created else 200)


def _draft(call: Call, tree: JSON) -> Draft:
    objectmeta.settle_identity(call, tree["metadata"])
    return Draft(tree, based_on(call, tree["metadata"]))


def based_on(call: Call, metadata: JSON) -> int | None:
    """The revision that an update names. Raises Invalid where it must name one, or names what cannot be one."""
    text = metadata.get("resourceVersion") or ""
    if text.isascii() and text.isdigit() and text != "0":
        return int(text)
    if text not in ("", "0"):
        raise _bad_version(call, metadata, text, f'strconv.ParseUint: parsing "{text}": invalid syntax')
    if call.version.own or call.kind.qualified_resource in _CONDITIONAL:
        raise _bad_version(call, metadata, 0, "must be specified for an update")
    return None


def _bad_version(call: Call, metadata: JSON, value: object, why: str) -> Invalid:
    error = invalid("metadata.resourceVersion", value, why)
    return Invalid.of(call.kind.group, call.kind.kind, metadata.get("name", ""), [error])
