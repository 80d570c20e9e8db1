"""How a new Job finds its Pods: labels and a selector made from its uid, unless its author keeps them by hand."""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.api.paths import dig

UID, NAME = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
LEGACY_UID, LEGACY_NAME = "controller-uid", "job-name"


def generated_labels(job: JSON) -> dict[str, str]:
    """The labels that the Pods of a Job carry."""
    uid, name = dig(job, "metadata.uid", ""), dig(job, "metadata.name", "")
    return {UID: uid, NAME: name, LEGACY_UID: uid, LEGACY_NAME: name}


def prepare_create(job: JSON) -> None:
    """Labels and selector, generated; with `manualSelector` they are the author's."""
    job["status"] = {}
    spec = job["spec"]
    if spec.get("manualSelector"):
        return
    metadata = spec["template"].setdefault("metadata", {})
    metadata["labels"] = {**generated_labels(job), **(metadata.get("labels") or {})}
    selector = spec.setdefault("selector", {})
    selector["matchLabels"] = {UID: dig(job, "metadata.uid", ""), **(selector.get("matchLabels") or {})}
