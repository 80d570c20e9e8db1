"""The scale subresource: how many, for whatever knows how to be many. autoscaling/v1 Scale.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/ (each workload's "read scale")
"""

from __future__ import annotations

from collections.abc import Callable

import orjson
from msgspec.structs import replace

from knarr.api.cells import format_labels, format_selector
from knarr.api.kind import JSON, Scale
from knarr.api.paths import dig
from knarr.api.types import type_of
from knarr.apiserver.admission.admission import Waived
from knarr.apiserver.admission.plugin import Form
from knarr.apiserver.encoding import api_version, stored_tree
from knarr.apiserver.verbs import apply, bodies, ownership
from knarr.apiserver.verbs.answers import tree_answer
from knarr.apiserver.verbs.apply import is_apply
from knarr.apiserver.verbs.attributes import attributes_of
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.conversion import seen_one
from knarr.apiserver.verbs.list import reach
from knarr.apiserver.verbs.listoptions import read_revision
from knarr.apiserver.verbs.parts import MAIN
from knarr.apiserver.verbs.patch import apply_patch, read_patch
from knarr.apiserver.verbs.update import based_on
from knarr.apiserver.verbs.writing import Draft, Drafting, update_object
from knarr.machinery.errors import BadRequest, InternalError, Invalid
from knarr.machinery.fielderrors import invalid
from knarr.wire.messages import Answer

_API_VERSION, _DEFINITION = "autoscaling/v1", "io.k8s.api.autoscaling.v1.Scale"
_FORM = Form("autoscaling", "v1", "Scale", _DEFINITION)
_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


async def get(call: Call) -> Answer:
    await reach(call, read_revision(call))
    entry = call.registry.entry(call.kind, call.namespace, call.name)
    if entry is None:
        raise call.not_found()
    entry = await seen_one(call, entry)
    tree = stored_tree(call.kind, entry.value)
    where = _rule(call).spec_replicas
    if call.version.own and dig(tree, where) is None:
        raise InternalError(f'Internal error occurred: the spec replicas field ".{where}" does not exist')
    return tree_answer(call, _scale(call, tree, entry.revision))


async def update(call: Call) -> Answer:
    ownership.check_options(call)

    def read(old: JSON, revision: int) -> JSON:
        return bodies.read_as(call, "Scale", (_API_VERSION,), type_of(_DEFINITION))

    return await _write(call, read)


async def patch(call: Call) -> Answer:
    if is_apply(call):
        return await _apply(call)
    ownership.check_options(call)
    change = read_patch(call, _DEFINITION)

    def patched(old: JSON, revision: int) -> JSON:
        scale: JSON = apply_patch(change, _scale(call, old, revision))
        bodies.check_patched(call, scale, "Scale", type_of(_DEFINITION))
        if scale["metadata"].get("resourceVersion") == str(revision):
            del scale["metadata"]["resourceVersion"]
        return scale

    return await _write(call, patched)


async def _write(call: Call, wanted: Callable[[JSON, int], JSON]) -> Answer:
    async def draft(old: JSON, revision: int) -> Draft:
        scale = wanted(old, revision)
        await _admit(call, scale, _scale(call, old, revision), revision)
        _check(call, scale)
        tree = {**old, "metadata": dict(old["metadata"])}
        _set_replicas(tree, _rule(call), dig(scale, "spec.replicas", 0))
        metadata = scale.get("metadata") or {}
        return Draft(tree, based_on(call, metadata) if metadata.get("resourceVersion") else None)

    return await _store(call, draft)


async def _apply(call: Call) -> Answer:
    """What is applied to the number is applied to the object that has it, in the name of the subresource."""
    config = apply.read(call, _API_VERSION, "Scale", type_of(_DEFINITION).ownership)
    _check(call, config)
    whole: JSON = {"apiVersion": api_version(call.kind, call.version), "kind": call.kind.kind}
    whole["metadata"] = config.get("metadata") or {}
    if (replicas := dig(config, "spec.replicas", None)) is not None:
        _set_replicas(whole, _rule(call), replicas)
    drafting = apply.drafting(call, whole, MAIN)

    async def draft(old: JSON, revision: int) -> Draft:
        wanted = await drafting(old, revision)
        await _admit(call, _scale(call, wanted.tree, revision), _scale(call, old, revision), revision)
        return wanted

    return await _store(call, draft)


async def _store(call: Call, draft: Drafting) -> Answer:
    stored, _ = await update_object(replace(call, admission=Waived()), call.name, draft, MAIN)
    return tree_answer(call, _scale(call, orjson.loads(stored.value), stored.revision))


async def _admit(call: Call, scale: JSON, old: JSON, revision: int) -> None:
    """Admission judges the Scale, and not what it is a part of."""
    scale["metadata"] = {**old["metadata"], **(scale.get("metadata") or {})}
    attributes = attributes_of(call, "UPDATE", scale, old, revision=revision, form=_FORM)
    await call.admission.mutate(attributes)
    await call.admission.validate(attributes)


def _rule(call: Call) -> Scale:
    return call.kind.scale or Scale()


def _check(call: Call, scale: JSON) -> None:
    name = dig(scale, "metadata.name", "")
    if name and name != call.name:
        raise BadRequest(f"the name of the object ({name}) does not match the name on the URL ({call.name})")
    replicas = dig(scale, "spec.replicas", 0)
    if replicas < 0:
        error = invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise Invalid.of("autoscaling", "Scale", call.name, [error])


def _set_replicas(tree: JSON, rule: Scale, replicas: int) -> None:
    """Set the number at its path, in copies of the objects on the way."""
    *parents, last = rule.spec_replicas.split(".")
    for parent in parents:
        tree[parent] = dict(tree.get(parent) or {})
        tree = tree[parent]
    tree[last] = replicas


def _scale(call: Call, tree: JSON, revision: int) -> JSON:
    rule = _rule(call)
    metadata = {**tree["metadata"], "resourceVersion": str(revision)}
    replicas = dig(tree, rule.spec_replicas, 0)
    status: JSON = {"replicas": dig(tree, rule.status_replicas, 0)}
    if selector := _selector(dig(tree, rule.selector, None)):
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": _API_VERSION,
        "metadata": {key: metadata[key] for key in _METADATA if key in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def _selector(selector: JSON | str | None) -> str:
    """As text, which custom resources keep; a ReplicationController's is a plain map of labels."""
    if isinstance(selector, str):
        return selector
    if not selector:
        return ""
    structured = "matchLabels" in selector or "matchExpressions" in selector
    return format_selector(selector) if structured else format_labels(selector)
