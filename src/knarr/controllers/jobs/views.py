"""A Job and its Pods, as its controller sees them."""

from __future__ import annotations

from msgspec import field

from knarr.client.objects import JSON, Object, View
from knarr.controllers.objects import Condition, Pod, condition_of

FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"


class JobSpec(View, frozen=True):
    parallelism: int = 1
    completions: int | None = None
    backoff_limit: int = 6
    active_deadline_seconds: int | None = None
    suspend: bool = False
    completion_mode: str = "NonIndexed"
    pod_replacement_policy: str = "TerminatingOrFailed"
    managed_by: str | None = None
    selector: JSON | None = None
    template: JSON = field(default_factory=dict)


class Uncounted(View, frozen=True):
    succeeded: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


class JobStatus(View, frozen=True):
    active: int = 0
    ready: int | None = None
    terminating: int | None = None
    succeeded: int = 0
    failed: int = 0
    start_time: str | None = None
    completion_time: str | None = None
    completed_indexes: str = ""
    uncounted_terminated_pods: Uncounted | None = None
    conditions: tuple[Condition, ...] = ()


class Job(Object, frozen=True):
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()

    @property
    def indexed(self) -> bool:
        return self.spec.completion_mode == "Indexed"

    @property
    def restarts_in_place(self) -> bool:
        """Whether the kubelet restarts failed containers, so that the Pod does not fail."""
        return bool((self.spec.template.get("spec") or {}).get("restartPolicy") == "OnFailure")

    def has(self, condition: str) -> bool:
        """Whether the condition holds."""
        found = condition_of(self.status.conditions, condition)
        return found is not None and found.status == "True"

    @property
    def finished(self) -> bool:
        return self.has("Complete") or self.has("Failed")


def tracked(pod: Pod) -> bool:
    """Whether the Pod still waits to be counted."""
    return FINALIZER in pod.metadata.finalizers


def index_of(pod: Pod) -> int | None:
    """The completion index of an indexed Job's Pod."""
    text = pod.metadata.annotations.get(INDEX, "")
    return int(text) if text.isdigit() else None
