"""The status that the API is told of a pod: pure, from what the runtime has of it.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from knarr.client.objects import JSON
from knarr.kubelet.cri.runtime import ContainerRecord, ContainerState
from knarr.kubelet.objects import Container
from knarr.kubelet.plan import initialized, is_sidecar
from knarr.kubelet.readiness import FINAL, conditions
from knarr.kubelet.report import Report, Waiting
from knarr.kubelet.resources import qos_class
from knarr.machinery.times import format_time

SECOND = 1_000_000_000  # nanoseconds
LOST = {
    "exitCode": 137,
    "reason": "ContainerStatusUnknown",
    "message": "The container could not be located when the pod was terminated",
}


def timestamp(nanoseconds: int) -> str:
    return format_time(datetime.fromtimestamp(nanoseconds // SECOND, UTC))


def pod_status(report: Report) -> JSON:
    """The whole status, without nulls."""
    pod = report.pod
    inits = [container_status(report, c) for c in pod.spec.init_containers]
    apps = [container_status(report, c) for c in pod.spec.containers]
    phase = report.outcome or phase_of(report, apps)
    status: JSON = {
        "phase": phase,
        "observedGeneration": pod.metadata.generation,
        "conditions": conditions(report, phase, inits, apps),
        "reason": report.reason,
        "message": report.message,
        "startTime": report.start_time,
        "hostIP": report.addresses.host_ip,
        "hostIPs": [{"ip": ip} for ip in report.addresses.host_ips],
        "podIP": report.addresses.pod_ip,
        "podIPs": [{"ip": ip} for ip in report.addresses.pod_ips],
        "initContainerStatuses": inits,
        "containerStatuses": apps,
        "ephemeralContainerStatuses": [container_status(report, c) for c in pod.spec.ephemeral_containers],
        "qosClass": qos_class(pod),
    }
    return {name: value for name, value in status.items() if value}


def phase_of(report: Report, apps: Sequence[JSON]) -> str:
    """Of the containers together; once final, always final, and final only when nothing runs any more."""
    pod = report.pod
    if pod.status.phase in FINAL:
        return pod.status.phase
    if not report.stopped and not initialized(pod, report.seen):
        return "Pending"
    ended = [end for status in apps if (end := ending(status))]
    if any("running" in status["state"] for status in apps):
        return "Running"
    if not report.stopped:
        return "Pending" if len(ended) < len(apps) else "Running"
    return "Succeeded" if len(ended) == len(apps) and all(end["exitCode"] == 0 for end in ended) else "Failed"


def ending(status: JSON) -> JSON | None:
    """How the container ended, now or, where it waits to run again, last time."""
    state: JSON = status["state"]
    end: JSON | None = state.get("terminated") or status["lastState"].get("terminated")
    return end


def container_status(report: Report, container: Container) -> JSON:
    newest = report.seen.newest(container.name)
    if newest is None:
        return unrecorded_status(report, container)
    previous = next(iter(report.seen.records[container.name][1:]), None)
    state = state_of(report, container, newest)
    last = newest if "waiting" in state and newest.finished_at else previous
    running = "running" in state
    init = container in report.pod.spec.init_containers and not is_sidecar(container)
    return {
        "name": container.name,
        "state": state,
        "lastState": {"terminated": terminated(report, last)} if last and last.finished_at else {},
        "ready": succeeded(newest) if init else running and report.ready(newest.id),
        "restartCount": newest.attempt,
        "image": newest.image or container.image,
        "imageID": newest.image_ref,
        "containerID": f"{report.runtime_name}://{newest.id}",
        "started": running and (init or report.started(newest.id)),
    }


def succeeded(record: ContainerRecord) -> bool:
    return record.state is ContainerState.EXITED and record.exit_code == 0


def state_of(report: Report, container: Container, record: ContainerRecord) -> JSON:
    if record.state is ContainerState.RUNNING:
        return {"running": {"startedAt": timestamp(record.started_at)}}
    waiting = report.waiting.get(container.name)
    if record.state is ContainerState.EXITED and waiting is None:
        return {"terminated": terminated(report, record)}
    return {"waiting": describe_waiting(waiting or initial_wait(report, container))}


def initial_wait(report: Report, container: Container) -> Waiting:
    """An app container waits for init containers where there are any to wait for."""
    behind = container in report.pod.spec.containers and not initialized(report.pod, report.seen)
    return Waiting("PodInitializing" if behind or report.pod.spec.init_containers else "ContainerCreating")


def describe_waiting(waiting: Waiting) -> JSON:
    return {"reason": waiting.reason, **({"message": waiting.message} if waiting.message else {})}


def terminated(report: Report, record: ContainerRecord) -> JSON:
    state = {
        "exitCode": record.exit_code,
        "reason": record.reason or ("Error" if record.exit_code else "Completed"),
        "startedAt": timestamp(record.started_at),
        "finishedAt": timestamp(record.finished_at),
        "containerID": f"{report.runtime_name}://{record.id}",
    }
    return state | ({"message": record.message} if record.message else {})


def unrecorded_status(report: Report, container: Container) -> JSON:
    """The runtime knows nothing of it: it never ran, or what the API knows of it is all that there is."""
    old = next((status for status in report.pod.status.all_statuses if status.get("name") == container.name), None)
    if old and (end := lost_state(old)):
        return {**old, "state": {"terminated": end}, "ready": False, "started": False}
    waiting = report.waiting.get(container.name) or initial_wait(report, container)
    return {
        "name": container.name,
        "state": {"waiting": describe_waiting(waiting)},
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "image": container.image,
        "imageID": "",
        "started": False,
    }


def lost_state(old: JSON) -> JSON | None:
    state: JSON = old.get("state", {})
    if "running" in state:
        return LOST
    end: JSON | None = state.get("terminated")
    return end
