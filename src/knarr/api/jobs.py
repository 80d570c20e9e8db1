"""A Job's own: how a new one finds its Pods, and what of it never changes.

Labels and selector are made from the uid, unless `manualSelector` leaves them to the author.
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import IMMUTABLE, unchanged
from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.api.selection import MISMATCH, selects
from knarr.machinery.fielderrors import FieldError, invalid, required
from knarr.machinery.names import dns1123_label

UID, NAME = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
LEGACY_UID, LEGACY_NAME = "controller-uid", "job-name"
_IMMUTABLE = ("selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")
_PLACEMENT = ("nodeSelector", "schedulingGates", "tolerations")  # open while suspended (KEP-2926)
_MANY, _CROWD = 10**5, 10**4
_SORTS = ("containers", "initContainers")


def generated_labels(job: JSON) -> dict[str, str]:
    """The labels that the Pods of a Job carry."""
    uid, name = dig(job, "metadata.uid", ""), dig(job, "metadata.name", "")
    return {UID: uid, NAME: name, LEGACY_UID: uid, LEGACY_NAME: name}


def prepare_create(job: JSON) -> None:
    """A new Job has no status, and labels and selector of its own."""
    job["status"] = {}
    spec = job.get("spec") or {}
    if spec.get("manualSelector") or "template" not in spec:
        return
    metadata = spec["template"].setdefault("metadata", {})
    metadata["labels"] = {**generated_labels(job), **(metadata.get("labels") or {})}
    selector = spec.setdefault("selector", {})
    selector["matchLabels"] = {UID: dig(job, "metadata.uid", ""), **(selector.get("matchLabels") or {})}


def validate(job: JSON) -> Iterable[FieldError]:
    """The selector selects the template."""
    spec = job.get("spec") or {}
    selector, labels = spec.get("selector"), dig(spec, "template.metadata.labels", {})
    if selector is None:
        yield required("spec.selector")
    elif not selects(selector, labels):
        yield invalid("spec.template.metadata.labels", labels or None, MISMATCH)


def validate_create(job: JSON) -> Iterable[FieldError]:
    """The selector selects this Job's Pods and no others, and its Pods can have the names that they will get."""
    spec = job.get("spec") or {}
    if spec.get("selector") is not None and not spec.get("manualSelector"):
        yield from _generated(job, dig(spec, "template.metadata.labels", {}))
        if (spec["selector"].get("matchLabels") or {}).get(UID) != dig(job, "metadata.uid", ""):
            yield invalid("spec.selector", spec["selector"], "`selector` not auto-generated")
    if spec.get("completionMode") == "Indexed" and (completions := spec.get("completions") or 0) > 0:
        name = dig(job, "metadata.name", "")
        for message in dns1123_label(f"{name}-{completions - 1}"):
            yield invalid("metadata.name", name, f"will not able to create pod with invalid DNS name: {message}")


def _generated(job: JSON, labels: dict[str, str]) -> Iterable[FieldError]:
    for key, value in generated_labels(job).items():
        path, detail = f"spec.template.metadata.labels[{key}]", f"must be '{value}'"
        if key not in labels:
            yield required(path, detail)
        elif labels[key] != value:
            yield invalid(path, labels, detail)


def crowd_warnings(spec: JSON, path: str) -> Iterable[str]:
    """Said of more indexes at once than a status may be able to name."""
    indexed, completions = spec.get("completionMode") == "Indexed", spec.get("completions") or 0
    if indexed and completions > _MANY and (spec.get("parallelism") or 0) > _CROWD:
        yield (
            f"{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than "
            "10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        )


def validate_update(new: JSON, old: JSON) -> Iterable[FieldError]:
    after, before = new["spec"], old["spec"]
    for field in _IMMUTABLE:
        yield from unchanged(f"spec.{field}", after.get(field), before.get(field))
    yield from _completions(after, before)
    waits = dig(old, "spec.suspend") and not dig(old, "status.startTime")
    template, known = after.get("template") or {}, before.get("template") or {}
    if (_fixed(template) != _fixed(known)) if waits else (template != known):
        yield invalid("spec.template", template, IMMUTABLE)


def _completions(after: JSON, before: JSON) -> Iterable[FieldError]:
    """An indexed Job may change its completions together with its parallelism (elastic, KEP-3715)."""
    wanted = after.get("completions")
    if after.get("completionMode") != "Indexed":
        yield from unchanged("spec.completions", wanted, before.get("completions"))
    elif wanted is not None and wanted not in (before.get("completions"), after.get("parallelism")):
        yield invalid("spec.completions", wanted, "can only be modified in tandem with spec.parallelism")


def _fixed(template: JSON) -> JSON:
    """The part that may not change even while the Job has yet to start: all but where its Pods are placed, and what
    their containers get (KEP-5440).
    """
    pod = _without(template.get("spec") or {}, *_PLACEMENT)
    pod["affinity"] = _without(pod.get("affinity") or {}, "nodeAffinity")
    pod |= {sort: [_without(container, "resources") for container in pod[sort]] for sort in _SORTS if pod.get(sort)}
    return {"metadata": _without(template.get("metadata") or {}, "annotations", "labels"), "spec": pod}


def _without(tree: JSON, *names: str) -> JSON:
    return {key: value for key, value in tree.items() if key not in names}
