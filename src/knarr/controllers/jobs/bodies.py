"""The Pods that a Job starts."""

from __future__ import annotations

from knarr.client.objects import JSON
from knarr.client.resources import JOBS
from knarr.controllers.jobs.views import FINALIZER, INDEX, Job
from knarr.controllers.pods import from_template


def pod_of(job: Job) -> JSON:
    finalizers = [*((job.spec.template.get("metadata") or {}).get("finalizers") or ()), FINALIZER]
    return from_template(job, JOBS, job.spec.template, finalizers=finalizers)


def indexed_pod_of(job: Job, index: int) -> JSON:
    """The Pod knows its index by annotation, label, host name and the variable JOB_COMPLETION_INDEX."""
    pod = pod_of(job)
    meta, spec = pod["metadata"], pod["spec"]
    number = {INDEX: str(index)}
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}}
    containers = {
        kind: [_with_variable(c, {"name": "JOB_COMPLETION_INDEX", "valueFrom": source}) for c in spec[kind]]
        for kind in ("initContainers", "containers")
        if spec.get(kind)
    }
    metadata = {
        **meta,
        "generateName": f"{job.metadata.name}-{index}-",
        "labels": {**meta.get("labels", {}), **number},
        "annotations": {**meta.get("annotations", {}), **number},
    }
    return {"metadata": metadata, "spec": {"hostname": f"{job.metadata.name}-{index}", **spec, **containers}}


def _with_variable(container: JSON, variable: JSON) -> JSON:
    known = container.get("env") or []
    if any(v.get("name") == variable["name"] for v in known):
        return container
    return {**container, "env": [*known, variable]}
