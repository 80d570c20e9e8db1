"""One pod's worker: events in, the lifecycle's instructions out, and the tasks that carry them out.

Nothing here waits: each task ends in an event. What the pod needs next is plan.py's to say; this file sees to it that
at most one task works on each container.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from knarr.kubelet import departure
from knarr.kubelet.containers import outdated
from knarr.kubelet.holdings import Holdings, read_dead_sandbox, read_exited
from knarr.kubelet.launcher import GROUND, RETRY_LONGEST, Launcher
from knarr.kubelet.lifecycle import Event, Instruction, Lifecycle, State
from knarr.kubelet.objects import Pod
from knarr.kubelet.plan import Observation, plan
from knarr.kubelet.readiness import FINAL
from knarr.kubelet.refusals import refusal
from knarr.kubelet.report import Report
from knarr.kubelet.resources import containers_of
from knarr.kubelet.services import Services
from knarr.kubelet.status import pod_status
from knarr.kubelet.stopping import stop_sandboxes
from knarr.kubelet.tasks import Tasks
from knarr.kubelet.tenant import Tenant
from knarr.machinery.times import format_time, parse_time

log = logging.getLogger(__name__)
LIFE = "*"  # the key of the task that stops or cleans the whole pod, or has it forgotten
DEADLINE = "Pod was active on the node longer than the specified deadline"


class PodWorker:
    def __init__(self, pod: Pod, services: Services, forget: Callable[[PodWorker], None]) -> None:
        self.services, self.forget = services, forget
        self.holdings = Holdings(pod.metadata.namespace, pod.metadata.name, pod.uid)
        self.tenant = Tenant(pod, self.holdings, services)
        self.lifecycle = Lifecycle(pod.metadata.key)
        self.tasks = Tasks(pod.metadata.key, self.ended)
        self.launcher = Launcher(self.tenant, self.tasks, self.observe_later)
        self.outcome = pod.status.phase if pod.status.phase in FINAL else ""
        self.reason, self.message = pod.status.reason, pod.status.message
        self.start_time = pod.status.start_time or format_time(services.clock.now())
        self.grace = 0  # seconds that the stop under way has been given
        self.deadline_set = 0  # the deadline that will be looked at when it has passed
        self.instructions: dict[Instruction, Callable[[], None]] = {
            Instruction.SYNC: self.sync,
            Instruction.STOP: self.stop,
            Instruction.HASTEN: self.hasten,
            Instruction.REPORT: self.report,
            Instruction.CLEAN: lambda: self.tasks.run(LIFE, self.clean()),
            Instruction.CONFIRM: lambda: self.tasks.run(LIFE, departure.confirm(self.tenant)),
            Instruction.FORGET: lambda: self.forget(self),
        }

    @property
    def pod(self) -> Pod:
        return self.tenant.pod

    # Events

    def update(self, pod: Pod) -> None:
        """The API has the pod so."""
        self.tenant.pod = pod
        self.services.volumes.update(pod)
        self.observe()

    def remove(self) -> None:
        """The API has the pod no longer."""
        self.tenant.removed = True
        self.observe()

    def observe(self) -> None:
        """Something may have changed: what the pod is to become comes first, then what it needs."""
        if self.lifecycle.state is not State.GONE:
            self.handle(self.direction())

    def observe_later(self, seconds: float) -> None:
        self.services.timers.after(seconds, self.observe)

    def direction(self) -> Event:
        if self.tenant.removed:
            return Event.REMOVED
        if self.pod.metadata.deletion_timestamp:
            return Event.DELETED
        if self.lifecycle.state is State.SYNCING and self.outcome:
            return Event.ENDED
        return Event.OBSERVED

    def handle(self, event: Event) -> None:
        for instruction in self.lifecycle.handle(event):
            self.instructions[instruction]()

    def ended(self, key: str, error: BaseException | None) -> None:
        """A task is done."""
        if error:
            log.error("pod %s: %s failed", self.lifecycle.name, key or "sandbox", exc_info=error)
            self.observe_later(RETRY_LONGEST)
        else:
            self.observe()

    # What the runtime tells

    def knows(self, container_id: str) -> bool:
        return container_id == self.holdings.sandbox_id or self.holdings.find(container_id) is not None

    async def container_exited(self, container_id: str) -> None:
        """Its process ended; the sandbox's own end counts too. Raises RuntimeFailure."""
        runtime, options = self.services.runtime, self.services.options
        if container_id == self.holdings.sandbox_id:
            await read_dead_sandbox(runtime, self.services.clock, options, self.holdings)
        elif record := self.holdings.find(container_id):
            self.launcher.exited(record)
            await read_exited(runtime, self.services.clock, options, self.holdings, record)
        self.observe()

    # SYNC

    def observation(self) -> Observation:
        alive = self.tenant.grounded or self.lifecycle.state is not State.SYNCING
        return Observation(
            sandbox_id=self.holdings.sandbox_id if alive else "",
            records=self.holdings.records,
            busy=self.tasks.keys,
            started=self.services.probes.started,
            failure=self.services.probes.failure,
            outdated=outdated,
        )

    def sync(self) -> None:
        """One step: kill what must go, start what is missing and may start, watch what runs, tell the API."""
        if self.past_deadline():
            self.fail("DeadlineExceeded", DEADLINE)
            return
        if not self.holdings.sandbox and (refused := refusal(self.pod)):
            self.fail(refused.reason, refused.message, "Pod was rejected: ")
            return
        if self.sandbox_died():
            return
        steps = plan(self.pod, self.observation())
        if steps.outcome:
            self.outcome = steps.outcome
            self.observe()
            return
        for kill in steps.kill:
            self.tasks.run(kill.container.name, self.launcher.kill(kill))
        for container in steps.start:
            self.launcher.consider(container)
        if self.tenant.grounded:  # after the kubelet's restart: volumes are to be followed again
            self.launcher.begin_ground()
        self.probe_running()
        self.report()

    def past_deadline(self) -> bool:
        deadline = self.pod.spec.active_deadline_seconds
        if deadline is None:
            return False
        left = deadline - (self.services.clock.now() - parse_time(self.start_time)).total_seconds()
        if left > 0 and self.deadline_set != deadline:
            self.deadline_set = deadline
            self.observe_later(left)
        return left <= 0

    def fail(self, reason: str, message: str, prefix: str = "") -> None:
        """Fail the pod as a whole, unless it is ending anyway; the prefix is the status's alone, not the event's."""
        if self.lifecycle.state is State.SYNCING:
            self.outcome, self.reason, self.message = "Failed", reason, prefix + message
            self.tenant.tell("Normal" if reason == "DeadlineExceeded" else "Warning", reason, message)
            self.observe()

    def sandbox_died(self) -> bool:
        """A dead sandbox takes its containers with it: what runs on is stopped before a new one is made."""
        if self.holdings.sandbox is None or self.tenant.grounded or not self.holdings.running():
            return False
        if GROUND not in self.tasks:
            text = "Pod sandbox changed, it will be killed and re-created."
            self.tenant.tell("Normal", "SandboxChanged", text)
            self.tasks.run(GROUND, stop_sandboxes(self.tenant))
        return True

    def probe_running(self) -> None:
        """Probes begin with the container, once its postStart hook is through."""
        seen = self.observation()
        for container in containers_of(self.pod):
            record = seen.running(container.name)
            if record and container.name not in self.tasks:
                self.services.probes.start(self.pod, container, record.id, self.tenant.addresses)

    # REPORT

    def report(self) -> None:
        if not self.tenant.removed:
            self.services.publisher.publish(self.pod, pod_status(self.what_is()))

    def what_is(self) -> Report:
        state = self.lifecycle.state
        return Report(
            pod=self.pod,
            seen=self.observation(),
            now=self.services.clock.now(),
            stopping=state is State.TERMINATING,
            stopped=state not in (State.SYNCING, State.TERMINATING),
            waiting=self.launcher.waiting if state is State.SYNCING else {},
            addresses=self.tenant.addresses,
            sandbox_ready=self.tenant.grounded,
            ready=self.services.probes.ready,
            started=self.services.probes.started,
            outcome="" if state is State.TERMINATING else self.outcome,
            published=self.services.publisher.last(self.pod.uid),
            reason=self.reason,
            message=self.message,
            start_time=self.start_time,
            runtime_name=self.services.options.runtime_name,
        )

    # STOP, HASTEN, CLEAN

    def wanted_grace(self) -> int:
        """Seconds; a pod that the API has given up without waiting for the node gets the least."""
        meta, spec = self.pod.metadata, self.pod.spec
        if self.tenant.removed:
            return 1
        if meta.deletion_grace_period_seconds is not None:
            return max(1, meta.deletion_grace_period_seconds)
        return max(1, spec.termination_grace_period_seconds)

    def stop(self) -> None:
        self.grace = self.wanted_grace()
        self.tasks.run(LIFE, self.terminate(self.tasks.cancel()))
        self.report()

    def hasten(self) -> None:
        if self.wanted_grace() < self.grace:
            self.stop()

    async def terminate(self, others: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*others, return_exceptions=True)
        await departure.stop(self.tenant, self.grace)
        self.handle(Event.STOPPED)

    async def clean(self) -> None:
        await departure.clean(self.tenant)
        self.handle(Event.CLEANED)
