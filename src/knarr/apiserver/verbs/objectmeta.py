"""What every object's metadata goes through: names, what the server alone writes, and what an update must leave
alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from knarr.api.finalizers import is_unqualified
from knarr.api.kind import JSON, Kind
from knarr.api.paths import dig
from knarr.apiserver.verbs.call import Call
from knarr.machinery import names
from knarr.machinery.errors import BadRequest, Invalid
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, required
from knarr.machinery.times import format_time

_SERVER_OWNED = ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion")
_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_ENDS = ("deletionTimestamp", "deletionGracePeriodSeconds")
_DROPPED = ("selfLink", "resourceVersion")
_EXTENSIONS = frozenset({"admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io"})


def settle_identity(call: Call, metadata: JSON) -> None:
    """Hold the body's name and namespace against the URL's, filling in a namespace that it leaves out. Raises
    BadRequest.
    """
    if not call.kind.namespaced:
        metadata.pop("namespace", None)
    elif _is_patched(call):
        metadata.setdefault("namespace", call.namespace)
    else:
        settle_namespace(metadata, call.namespace)
    if not call.name:
        return
    name, namespace = metadata.get("name"), metadata.get("namespace", "")
    if not name:
        raise BadRequest(f"the name of the object ({call.name} based on URL) was undeterminable: name must be provided")
    if name != call.name:
        raise BadRequest(f"the name of the object ({name}) does not match the name on the URL ({call.name})")
    if namespace != call.namespace:
        where = f"the namespace on the request ({call.namespace})"
        raise BadRequest(f"the namespace of the object ({namespace}) does not match {where}")


def settle_namespace(metadata: JSON, namespace: str) -> None:
    """Fill in the request's namespace, where the body names none. Raises BadRequest where it names another."""
    metadata["namespace"] = given = metadata.get("namespace") or namespace
    if given != namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")


def require_name(call: Call, kind: str, tree: JSON) -> None:
    """Hold the name in a body of another kind, which is about the object at the URL, against it. Raises BadRequest."""
    if dig(tree, "metadata.name", "") != call.name:
        raise BadRequest(f"name in URL does not match name in {kind} object")


def _is_patched(call: Call) -> bool:
    return call.request.info.verb == "patch"


def receive(call: Call, metadata: JSON) -> None:
    """A new object's metadata as admission sees it: without what the server alone writes. Raises BadRequest."""
    if metadata.get("resourceVersion"):
        raise BadRequest("resourceVersion should not be set on objects to be created")
    for name in _SERVER_OWNED:
        metadata.pop(name, None)
    settle_identity(call, metadata)


def prepare_create(call: Call, metadata: JSON) -> None:
    """A new object's metadata: the server's own fields, and a name where the client asks for a generated one."""
    receive(call, metadata)
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = names.generate_name(metadata["generateName"], call.registry.options.random)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = format_time(call.registry.clock.now())
    metadata.pop("generation", None)
    if call.kind.generation:
        metadata["generation"] = 1


def carry_over(call: Call, metadata: JSON, old: JSON) -> None:
    """Put what only the server writes from the old metadata into the new, owners apart. Raises Invalid."""
    settle_identity(call, metadata)
    for name in _ENDS:
        if name in metadata and name not in old:  # only a deletion sets these
            error = invalid(f"metadata.{name}", metadata[name], "field is immutable")
            raise Invalid.of(call.kind.group, call.kind.kind, old["name"], [error])
    for name in _DROPPED:
        metadata.pop(name, None)
    for name in _KEPT:
        metadata.pop(name, None)
        if name in old:
            metadata[name] = old[name]
    if not metadata.get("managedFields"):
        metadata.pop("managedFields", None)


def check_uid(call: Call, wanted: str | None, found: str) -> None:
    """Whether the object is still the one that is meant; where there is none, none was found. Raises Conflict."""
    if wanted and wanted != found:
        why = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}"
        at = f"Key: {call.key}, ResourceVersion: 0"
        raise call.conflict(f"StorageError: invalid object, Code: 4, {at}, AdditionalErrorMsg: {why}")


def is_particular(kind: Kind) -> bool:
    """Whether the kind is none of those whose finalizers may be called anything: upstream checks it in its core."""
    return kind.storage_version.own is None and kind.group not in _EXTENSIONS


def check_name(kind: Kind, metadata: JSON) -> Iterator[FieldError]:
    """The name, and the beginning of a generated one, by the kind's rule."""
    name, beginning = metadata.get("name"), metadata.get("generateName")
    rule = kind.name_rule or names.dns1123_subdomain
    if beginning:
        whole = f"{beginning[:-2]}a" if beginning.endswith("-") and len(beginning) > 1 else beginning
        for message in (*names.path_segment(beginning), *rule(whole)):
            yield invalid("metadata.generateName", beginning, message)
    if not name:
        yield required("metadata.name", "name or generateName is required")
        return
    for message in (*names.path_segment(name), *rule(name)):
        yield invalid("metadata.name", name, message)


def check_finalizers(kind: Kind, new: JSON, old: JSON | None) -> Iterator[FieldError]:
    """Our own kinds know their finalizers; an object that is being deleted gets no new ones."""
    finalizers = new.get("finalizers")
    if not finalizers:
        return
    for index, name in enumerate(finalizers if is_particular(kind) else ()):
        if is_unqualified(name):
            why = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid(f"metadata.finalizers[{index}]", name, why)
    if old is None or not old.get("deletionTimestamp"):
        return
    added = [name for name in finalizers if name not in (old.get("finalizers") or ())]
    if added:
        listed = ", ".join(f'"{name}"' for name in added)
        yield forbidden(
            "metadata.finalizers",
            f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{listed}}}",
        )
