"""A Job's own: how a new one finds its Pods, and what of it never changes.

Labels and selector are made from the uid, unless `manualSelector` leaves them to the author.
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import unchanged
from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.api.selection import MISMATCH, selects
from knarr.machinery.fielderrors import FieldError, invalid, required

UID, NAME = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
LEGACY_UID, LEGACY_NAME = "controller-uid", "job-name"
_IMMUTABLE = (
    *("selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"),
    "podReplacementPolicy",
)
_PLACEMENT = ("affinity", "nodeSelector", "schedulingGates", "tolerations")  # open while suspended (KEP-2926)


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
    """The selector selects this Job's Pods and no others."""
    spec = job.get("spec") or {}
    selector, labels = spec.get("selector"), dig(spec, "template.metadata.labels", {})
    if selector is None:
        yield required("spec.selector")
        return
    if not spec.get("manualSelector"):
        yield from _generated(job, labels)
        if (selector.get("matchLabels") or {}).get(UID) != dig(job, "metadata.uid", ""):
            yield invalid("spec.selector", selector, "`selector` not auto-generated")
    if not selects(selector, labels):
        yield invalid("spec.template.metadata.labels", labels, MISMATCH)


def _generated(job: JSON, labels: dict[str, str]) -> Iterable[FieldError]:
    for key, value in generated_labels(job).items():
        if labels.get(key) != value:
            yield invalid("spec.template.metadata.labels", labels, f"must be '{value}'")


def validate_update(new: JSON, old: JSON) -> Iterable[FieldError]:
    after, before = new["spec"], old["spec"]
    for field in _IMMUTABLE:
        yield from unchanged(f"spec.{field}", after.get(field), before.get(field))
    yield from _completions(after, before)
    yield from unchanged("spec.template", _fixed(after, old), _fixed(before, old))


def _completions(after: JSON, before: JSON) -> Iterable[FieldError]:
    """An indexed Job may change its completions together with its parallelism (elastic, KEP-3715)."""
    elastic = after.get("completionMode") == "Indexed" and after.get("completions") == after.get("parallelism")
    if not elastic:
        yield from unchanged("spec.completions", after.get("completions"), before.get("completions"))


def _fixed(spec: JSON, old: JSON) -> JSON:
    """The part of the template that may not change: all of it, but placement while the Job has yet to start."""
    template = spec.get("template") or {}
    if not dig(old, "spec.suspend") or dig(old, "status.startTime"):
        return template
    pod = {key: value for key, value in (template.get("spec") or {}).items() if key not in _PLACEMENT}
    metadata = {k: v for k, v in (template.get("metadata") or {}).items() if k not in ("annotations", "labels")}
    return {"metadata": metadata, "spec": pod}
