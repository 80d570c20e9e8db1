"""pods/eviction: deletion that a PodDisruptionBudget may put off.

https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from __future__ import annotations

import orjson
from msgspec.structs import replace

from knarr.api.kind import JSON, Kind
from knarr.api.types import type_of
from knarr.apiserver.admission.admission import Waived
from knarr.apiserver.admission.plugin import Form
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.registry import prefix_of
from knarr.apiserver.verbs import bodies
from knarr.apiserver.verbs.answers import success
from knarr.apiserver.verbs.attributes import admit_as
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.delete import delete_object
from knarr.apiserver.verbs.deleting import DeleteOptions
from knarr.apiserver.verbs.objectmeta import require_name
from knarr.machinery.errors import Cause, InternalError, TooManyRequests
from knarr.machinery.selectors import from_label_selector
from knarr.machinery.times import format_time
from knarr.storage.cache import Entry
from knarr.storage.store import ConflictError, Write
from knarr.wire.messages import Answer

_VERSIONS, _DEFINITION = ("policy/v1", "policy/v1beta1"), "io.k8s.api.policy.v1.Eviction"
_FORM = Form("policy", "v1", "Eviction", _DEFINITION)
_ATTEMPTS = 20


async def evict(call: Call) -> Answer:
    """Delete the Pod if its disruption budget, where it has one, allows it now."""
    eviction = bodies.read_as(call, "Eviction", _VERSIONS, type_of(_DEFINITION))
    await admit_as(call, eviction, _FORM)
    require_name(call, "Eviction", eviction)
    options = eviction.get("deleteOptions") or {}
    preconditions = options.get("preconditions") or {}
    entry = call.registry.entry(call.kind, call.namespace, call.name)
    if entry is None:
        raise call.not_found()
    if not _leaves_without_asking(orjson.loads(entry.value)):
        await _spend_budget(call, entry)
    wanted = DeleteOptions(
        options.get("gracePeriodSeconds"),
        options.get("propagationPolicy") or "",
        preconditions.get("uid", ""),
        preconditions.get("resourceVersion", ""),
    )
    await delete_object(replace(call, admission=Waived()), call.name, wanted)
    return success(call, 201)


def _leaves_without_asking(pod: JSON) -> bool:
    """A Pod that serves nobody yet, or no more."""
    phase = (pod.get("status") or {}).get("phase")
    return phase in ("Failed", "Pending", "Succeeded") or bool(pod["metadata"].get("deletionTimestamp"))


async def _spend_budget(call: Call, pod: Entry) -> None:
    """Take one from the budget that covers the Pod, by compare-and-swap. Raises TooManyRequests."""
    kind = call.registry.find("policy", "poddisruptionbudgets")
    for _ in range(_ATTEMPTS if kind else 0):
        budgets = [e for e in _budgets(call, kind) if _covers(e, pod)]
        if not budgets:
            return
        if len(budgets) > 1:
            raise InternalError(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            )
        try:
            await _decrement(call, budgets[0])
        except ConflictError:
            await call.registry.synced()
        else:
            return


def _budgets(call: Call, kind: Kind | None) -> list[Entry]:
    return list(call.registry.cache.range(prefix_of(kind, call.namespace))) if kind else []


def _covers(budget: Entry, pod: Entry) -> bool:
    return from_label_selector(orjson.loads(budget.value).get("spec", {}).get("selector")).matches(pod.labels)


async def _decrement(call: Call, entry: Entry) -> None:
    budget = orjson.loads(entry.value)
    name, status = budget["metadata"]["name"], budget.setdefault("status", {})
    if status.get("disruptionsAllowed", 0) <= 0 or _is_stale(budget):
        needs, has = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        why = f"The disruption budget {name} needs {needs} healthy pods and has {has} currently"
        raise TooManyRequests(
            "Cannot evict pod as it would violate the pod's disruption budget.",
            causes=[Cause("DisruptionBudget", why)],
        )
    status["disruptionsAllowed"] -= 1
    status.setdefault("disruptedPods", {})[call.name] = format_time(call.registry.clock.now())
    if not call.dry_run():
        await call.registry.commit([Write(entry.key, to_stored(budget), expected=entry.revision)])


def _is_stale(budget: JSON) -> bool:
    """Whether the budget's controller has not yet seen its newest version."""
    return bool(budget["status"].get("observedGeneration", 0) < budget["metadata"].get("generation", 0))
