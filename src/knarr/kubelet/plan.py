"""What a pod needs next: pure, from its spec and what the runtime has of it.

Order is upstream's: init containers one by one, sidecars staying on behind them (KEP-753), then all app containers at
once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from knarr.kubelet.cri.runtime import ContainerRecord, ContainerState
from knarr.kubelet.objects import Container, ExitCodes, Pod


@dataclass(frozen=True, slots=True)
class Kill:
    """Stop this container: why, as the Killing event says it."""

    container: Container
    record: ContainerRecord
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now. `outcome` is the final phase of a pod whose containers have all done their part."""

    start: tuple[Container, ...] = ()
    kill: tuple[Kill, ...] = ()
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What is known of a pod on this node at one moment.

    `records` are its containers by name, newest first, dead ones included; `sandbox_id` is the sandbox that lives or ""
    before there is one; `busy` are the containers that are being started or stopped just now.
    """

    sandbox_id: str = ""
    records: Mapping[str, list[ContainerRecord]] = field(default_factory=dict)
    busy: Collection[str] = ()
    started: Callable[[str], bool] = bool
    failure: Callable[[str], str] = lambda _: ""
    outdated: Callable[[Container, ContainerRecord], bool] = lambda _container, _record: False

    def newest(self, name: str) -> ContainerRecord | None:
        return next(iter(self.records.get(name, ())), None)

    def current(self, name: str) -> ContainerRecord | None:
        """The newest of the sandbox that lives."""
        newest = self.newest(name)
        return newest if newest and newest.sandbox_id == self.sandbox_id else None

    def running(self, name: str) -> ContainerRecord | None:
        record = self.current(name)
        return record if record and record.state is ContainerState.RUNNING else None

    def exited(self, name: str) -> ContainerRecord | None:
        """Its newest life where that is over, in whichever sandbox it was."""
        record = self.newest(name)
        return record if record and record.state is ContainerState.EXITED else None


def is_sidecar(container: Container) -> bool:
    """Of an init container: whether it stays beside what comes after it."""
    return container.restart_policy == "Always"


def restarts_after(pod: Pod, container: Container, exit_code: int) -> bool:
    """By the first of its rules that knows the exit code, else by its own policy, else by the pod's."""
    if any(matches(rule.exit_codes, exit_code) for rule in container.restart_policy_rules):
        return True
    policy = container.restart_policy or pod.spec.restart_policy
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def matches(codes: ExitCodes | None, exit_code: int) -> bool:
    return codes is not None and (exit_code in codes.values) == (codes.operator == "In")


def restarts(pod: Pod, container: Container, seen: Observation) -> bool:
    """Whether a container that does not run is to run (again)."""
    last = seen.exited(container.name)
    if last and container in pod.spec.init_containers and last.sandbox_id != seen.sandbox_id:
        return True  # a new sandbox is initialized anew
    return last is None or restarts_after(pod, container, last.exit_code)


def initialized(pod: Pod, seen: Observation) -> bool:
    """Whether the app containers may run: they already did in this sandbox, or all init containers are through."""
    if any(seen.current(container.name) for container in pod.spec.containers):
        return True
    return all(init_done(container, seen) for container in pod.spec.init_containers)


def init_done(container: Container, seen: Observation) -> bool:
    """A sidecar is through once it has started; the others once they have succeeded in this sandbox."""
    if is_sidecar(container):
        running = seen.running(container.name)
        return bool(running and container.name not in seen.busy and seen.started(running.id))
    record = seen.current(container.name)
    return bool(record and record.state is ContainerState.EXITED and record.exit_code == 0)


def plan(pod: Pod, seen: Observation) -> Plan:
    """The next step."""
    if outcome := outcome_of(pod, seen):
        return Plan(outcome=outcome)
    wanted = list(wanted_containers(pod, seen))
    kills = tuple(kill for container in wanted if (kill := condemned(container, seen)))
    start = (
        container
        for container in wanted
        if container.name not in seen.busy and not seen.running(container.name) and restarts(pod, container, seen)
    )
    return Plan((*start, *joining(pod, seen)), kills)


def joining(pod: Pod, seen: Observation) -> Iterable[Container]:
    """Ephemeral containers that have not run yet: they do once, as soon as there is a sandbox to join."""
    ran = {status["name"] for status in pod.status.ephemeral_container_statuses if status.get("containerID")}
    for container in pod.spec.ephemeral_containers if seen.sandbox_id else ():
        if container.name not in seen.busy and not seen.newest(container.name) and container.name not in ran:
            yield container


def wanted_containers(pod: Pod, seen: Observation) -> Iterable[Container]:
    """Those that may run now."""
    if initialized(pod, seen):
        yield from filter(is_sidecar, pod.spec.init_containers)
        yield from pod.spec.containers
        return
    for container in pod.spec.init_containers:
        if is_sidecar(container) or not init_done(container, seen):
            yield container
        if not init_done(container, seen):
            return


def condemned(container: Container, seen: Observation) -> Kill | None:
    """A running container that must go: a probe says so, or the pod's container is another one now."""
    record = seen.running(container.name)
    if record is None or container.name in seen.busy:
        return None
    if seen.outdated(container, record):
        return Kill(container, record, f"Container {container.name} definition changed, will be restarted")
    if probe := seen.failure(record.id):
        return Kill(container, record, f"Container {container.name} failed {probe} probe, will be restarted")
    return None


def outcome_of(pod: Pod, seen: Observation) -> str:
    """The final phase, or "" while something runs or will run again."""
    if any(over(pod, container, seen) and failed(container, seen) for container in plain_inits(pod)):
        return "Failed"
    if not all(over(pod, container, seen) for container in pod.spec.containers):
        return ""
    return "Failed" if any(failed(container, seen) for container in pod.spec.containers) else "Succeeded"


def plain_inits(pod: Pod) -> Iterable[Container]:
    return (container for container in pod.spec.init_containers if not is_sidecar(container))


def over(pod: Pod, container: Container, seen: Observation) -> bool:
    return bool(container.name not in seen.busy and seen.exited(container.name) and not restarts(pod, container, seen))


def failed(container: Container, seen: Observation) -> bool:
    record = seen.exited(container.name)
    return bool(record and record.exit_code != 0)
