"""A pod's conditions: whether it is scheduled, initialized, and ready to be sent traffic.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from knarr.client.objects import JSON
from knarr.kubelet.objects import Pod
from knarr.kubelet.plan import initialized, is_sidecar
from knarr.kubelet.report import Report
from knarr.machinery.times import format_time

FINAL = ("Succeeded", "Failed")


def conditions(report: Report, phase: str, inits: Sequence[JSON], apps: Sequence[JSON]) -> list[JSON]:
    pod = report.pod
    sidecars = {c.name for c in pod.spec.init_containers if is_sidecar(c)}
    incomplete = [s["name"] for s in inits if not (s["started"] if s["name"] in sidecars else s["ready"])]
    lasting = [*(s for s in inits if s["name"] in sidecars), *apps]
    unready = [s["name"] for s in lasting if not s["ready"]]
    containers_ready = readiness(phase, unready)
    initialization = Truth() if initialized(pod, report.seen) else initialization_of(phase, incomplete)
    truths = {
        "PodReadyToStartContainers": Truth(report.sandbox_ready),
        "Initialized": initialization,
        "Ready": gated(pod, containers_ready),
        "ContainersReady": containers_ready,
        "PodScheduled": Truth(),
    }
    return [condition(report, name, truth) for name, truth in truths.items()]


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition's status, and why where it is False or needs saying."""

    status: bool = True
    reason: str = ""
    message: str = ""


def initialization_of(phase: str, incomplete: Iterable[str]) -> Truth:
    if phase == "Succeeded":
        return Truth(True, "PodCompleted")
    text = f"containers with incomplete status: [{' '.join(incomplete)}]"
    return Truth(False, "ContainersNotInitialized", text)


def readiness(phase: str, unready: Sequence[str]) -> Truth:
    if phase in FINAL:
        return Truth(False, "PodCompleted" if phase == "Succeeded" else "PodFailed")
    if unready:
        return Truth(False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    return Truth()


def gated(pod: Pod, containers_ready: Truth) -> Truth:
    """Ready is what the containers say, once all readiness gates are True (KEP-580)."""
    if not containers_ready.status:
        return containers_ready
    given = {c.get("type"): c.get("status") for c in pod.status.conditions}
    missing = [gate_message(gate.condition_type, given) for gate in pod.spec.readiness_gates]
    if text := ", ".join(filter(None, missing)):
        return Truth(False, "ReadinessGatesNotReady", text)
    return Truth()


def gate_message(gate: str, given: Mapping[object, object]) -> str:
    if gate not in given:
        return f'corresponding condition of pod readiness gate "{gate}" does not exist.'
    if given[gate] != "True":
        return f'the status of pod readiness gate "{gate}" is not "True", but {given[gate]}'
    return ""


def condition(report: Report, name: str, truth: Truth) -> JSON:
    """Its transition time stays while its status does."""
    status = str(truth.status)
    known = (*report.published.get("conditions", ()), *report.pod.status.conditions)
    old: JSON = next((c for c in known if c.get("type") == name), {})
    since = old.get("lastTransitionTime") if old.get("status") == status else None
    made = {
        "type": name,
        "status": status,
        "observedGeneration": report.pod.metadata.generation,
        "lastTransitionTime": since or format_time(report.now),
        "reason": truth.reason,
        "message": truth.message,
    }
    return {key: value for key, value in made.items() if value}
