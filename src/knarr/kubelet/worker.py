"""One pod's worker: events in, the lifecycle's instructions out, and the tasks that carry them out.

Nothing here waits: each task ends in an event. What the pod needs next is plan.py's to say; this file sees to it that
at most one task works on each container.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from knarr.client.resources import PODS
from knarr.kubelet.containers import describe, outdated
from knarr.kubelet.cri.runtime import ContainerState, RuntimeFailure, RuntimeUnavailable
from knarr.kubelet.holdings import Holdings, read_all, read_exited
from knarr.kubelet.images import ImageError
from knarr.kubelet.interfaces import Addresses, ConfigError, Mount, VolumeError
from knarr.kubelet.lifecycle import Event, Instruction, Lifecycle, State
from knarr.kubelet.objects import Container, Pod
from knarr.kubelet.plan import Kill, Observation, plan
from knarr.kubelet.resources import containers_of
from knarr.kubelet.restarts import Restarts
from knarr.kubelet.services import Services
from knarr.kubelet.starting import HookError, addresses_of, prepare, start_container
from knarr.kubelet.status import FINAL, Report, Waiting, pod_status
from knarr.kubelet.stopping import clean_pod, prune, stop_container, stop_pod, stop_sandboxes
from knarr.machinery.errors import APIError, Conflict, NotFound
from knarr.machinery.times import format_time, parse_time
from knarr.runtime.backoff import exponential

log = logging.getLogger(__name__)
GROUND = ""  # the key of the task that prepares sandbox and volumes; containers' tasks have their names
LIFE = "*"  # the key of the task that stops or cleans the whole pod
RETRY_FIRST, RETRY_LONGEST = 1.0, 10.0  # seconds, for what may heal by itself
CONFIG_RETRY = 10.0  # seconds until a missing ConfigMap or Secret is looked for again
DEADLINE = "Pod was active on the node longer than the specified deadline"


class PodWorker:
    def __init__(self, pod: Pod, services: Services, forget: Callable[[PodWorker], None]) -> None:
        self.pod, self.services, self.forget = pod, services, forget
        self.lifecycle = Lifecycle(pod.metadata.key)
        self.holdings = Holdings(pod.metadata.namespace, pod.metadata.name, pod.uid)
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.waiting: dict[str, Waiting] = {}
        self.restarts = Restarts()
        self.mounts: Mapping[str, Mount] | None = None
        self.removed = False
        self.outcome = pod.status.phase if pod.status.phase in FINAL else ""
        self.reason, self.message = pod.status.reason, pod.status.message
        self.start_time = pod.status.start_time or format_time(services.clock.now())
        self.grace = 0
        self.deadline_set = False
        self.failures: dict[str, int] = {}  # of the runtime to start a container, in a row
        self.not_before: dict[str, float] = {}  # containers that failed to start: monotonic time of the next attempt
        self.instructions: dict[Instruction, Callable[[], None]] = {
            Instruction.SYNC: self.sync,
            Instruction.STOP: self.stop,
            Instruction.HASTEN: self.hasten,
            Instruction.REPORT: self.report,
            Instruction.CLEAN: self.clean,
            Instruction.CONFIRM: self.confirm,
            Instruction.FORGET: lambda: self.forget(self),
        }

    @property
    def addresses(self) -> Addresses:
        return addresses_of(self.pod, self.holdings, self.services)

    # Events

    def update(self, pod: Pod) -> None:
        """The API has the pod so."""
        self.pod = pod
        self.services.volumes.update(pod)
        self.observe()

    def remove(self) -> None:
        """The API has the pod no longer."""
        self.removed = True
        self.observe()

    def observe(self) -> None:
        """Something may have changed: what the pod is to become comes first, then what it needs."""
        self.handle(self.direction())

    def direction(self) -> Event:
        if self.removed:
            return Event.REMOVED
        if self.pod.metadata.deletion_timestamp:
            return Event.DELETED
        if self.lifecycle.state is State.SYNCING and self.outcome:
            return Event.ENDED
        return Event.OBSERVED

    def handle(self, event: Event) -> None:
        for instruction in self.lifecycle.handle(event):
            self.instructions[instruction]()

    def observe_soon(self, seconds: float) -> None:
        self.services.timers.after(seconds, self.observe_unless_gone)

    def observe_unless_gone(self) -> None:
        if self.lifecycle.state is not State.GONE:
            self.observe()

    # Tasks

    def run(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        self.tasks[key] = task = asyncio.create_task(work, name=f"{self.lifecycle.name} {key}")
        task.add_done_callback(lambda done: self.done(key, done))

    def done(self, key: str, task: asyncio.Task[None]) -> None:
        if self.tasks.get(key) is task:
            del self.tasks[key]
        if not task.cancelled():
            if error := task.exception():
                log.error("pod %s: %s failed", self.lifecycle.name, key or "sandbox", exc_info=error)
                self.observe_soon(RETRY_LONGEST)
            else:
                self.observe_unless_gone()

    def cancel(self) -> list[asyncio.Task[None]]:
        tasks = list(self.tasks.values())
        self.tasks.clear()
        for task in tasks:
            task.cancel()
        return tasks

    # SYNC

    def observation(self) -> Observation:
        sandbox = self.holdings.sandbox
        alive = sandbox and (sandbox.ready or self.lifecycle.state is not State.SYNCING)
        return Observation(
            sandbox_id=self.holdings.sandbox_id if alive else "",
            records=self.holdings.records,
            busy=self.tasks.keys(),
            started=self.services.probes.started,
            failure=self.services.probes.failure,
            outdated=outdated,
        )

    def sync(self) -> None:
        """One step: kill what must go, start what is missing and may start, watch what runs, tell the API."""
        if self.past_deadline():
            self.fail("DeadlineExceeded", DEADLINE)
            return
        if self.abandon_dead_sandbox():
            return
        steps = plan(self.pod, self.observation())
        if steps.outcome:
            self.outcome = steps.outcome
            self.observe()
            return
        for kill in steps.kill:
            self.run(kill.container.name, self.kill(kill))
        for container in steps.start:
            self.consider_start(container)
        if self.mounts is None and self.holdings.sandbox:
            self.begin_ground()
        self.watch_running()
        self.report()

    def past_deadline(self) -> bool:
        deadline = self.pod.spec.active_deadline_seconds
        if deadline is None:
            return False
        left = deadline - (self.services.clock.now() - parse_time(self.start_time)).total_seconds()
        if left > 0 and not self.deadline_set:
            self.deadline_set = True
            self.observe_soon(left)
        return left <= 0

    def fail(self, reason: str, message: str) -> None:
        """End the pod as a whole, as Failed, unless it is ending anyway."""
        if self.lifecycle.state is not State.SYNCING:
            return
        self.outcome, self.reason, self.message = "Failed", reason, message
        self.services.tell(self.pod, "Normal" if reason == "DeadlineExceeded" else "Warning", reason, message)
        self.observe()

    def abandon_dead_sandbox(self) -> bool:
        """A sandbox that died takes its containers with it; what runs on is stopped before a new one is made."""
        sandbox = self.holdings.sandbox
        if sandbox is None or sandbox.ready or not self.holdings.running() or GROUND in self.tasks:
            return False
        text = "Pod sandbox changed, it will be killed and re-created."
        self.services.tell(self.pod, "Normal", "SandboxChanged", text)
        self.run(GROUND, self.bury_sandbox())
        return True

    async def bury_sandbox(self) -> None:
        await stop_sandboxes(self.holdings, self.services)

    def consider_start(self, container: Container) -> None:
        """Start it, unless its last failures say to wait."""
        if self.not_before.get(container.name, 0.0) > self.services.clock.monotonic():
            return
        last = next(iter(self.holdings.records.get(container.name, ())), None)
        if last and last.state is ContainerState.EXITED and not self.may_restart(container, last.finished_at / 1e9):
            return
        self.run(container.name, self.start(container))

    def may_restart(self, container: Container, finished_at: float) -> bool:
        now = self.services.clock.now().timestamp()
        remaining = self.restarts.remaining(container.name, finished_at, now)
        if remaining <= 0:
            self.restarts.tried(container.name, now)
            return True
        if container.name not in self.waiting:
            who = describe(self.pod)
            length = self.restarts.seconds(container.name)
            text = f"back-off {go_duration(length)} restarting failed container={container.name} pod={who}"
            self.waiting[container.name] = Waiting("CrashLoopBackOff", text)
            told = f"Back-off restarting failed container {container.name} in pod {who}"
            self.services.tell(self.pod, "Warning", "BackOff", told, container)
            self.observe_soon(remaining)
        return False

    def begin_ground(self) -> None:
        if GROUND not in self.tasks:
            self.run(GROUND, self.prepare())

    async def prepare(self) -> None:
        """Until sandbox and volumes are there."""
        failures = 0
        while True:
            try:
                self.mounts = await prepare(self.pod, self.holdings, self.services)
            except VolumeError as error:
                self.services.tell(self.pod, "Warning", "FailedMount", str(error))
            except (RuntimeFailure, OSError) as error:
                text = f"Failed to create pod sandbox: {error}"
                self.services.tell(self.pod, "Warning", "FailedCreatePodSandBox", text)
            else:
                return
            await self.services.clock.sleep(exponential(RETRY_FIRST, RETRY_LONGEST, failures))
            failures += 1

    async def ground(self) -> Mapping[str, Mount]:
        """The mounts, once the sandbox lives."""
        while self.mounts is None or self.holdings.sandbox is None or not self.holdings.sandbox.ready:
            self.begin_ground()
            await asyncio.wait([self.tasks[GROUND]])
        return self.mounts

    async def start(self, container: Container) -> None:
        """Image and ground side by side, then the container; what fails becomes what it waits for."""
        name = container.name
        try:
            self.begin_ground_if_needed()
            image = await self.services.images.ensure(self.pod, container, self.teller(container))
            mounts = await self.ground()
            attempt = self.holdings.next_attempt(name, self.reported_restarts(name))
            await start_container(self.pod, container, self.holdings, self.services, image, mounts, attempt)
            self.waiting.pop(name, None)
            self.failures.pop(name, None)
            await prune(self.holdings, self.services)
        except ImageError as error:
            self.wait(container, error.reason, error.message, error.retry)
            self.tell_failure(container, error.reason)
        except ConfigError as error:
            self.wait(container, "CreateContainerConfigError", str(error), CONFIG_RETRY)
            self.tell_failure(container, str(error))
        except (RuntimeFailure, OSError) as error:
            await self.start_failed(container, error)
        except HookError as error:
            await self.hook_failed(container, str(error))

    def begin_ground_if_needed(self) -> None:
        sandbox = self.holdings.sandbox
        if self.mounts is None or sandbox is None or not sandbox.ready:
            self.begin_ground()

    def teller(self, container: Container) -> Callable[[Any, str, str], None]:
        return lambda kind, reason, message: self.services.tell(self.pod, kind, reason, message, container)

    def tell_failure(self, container: Container, what: str) -> None:
        self.services.tell(self.pod, "Warning", "Failed", f"Error: {what}", container)

    def wait(self, container: Container, reason: str, message: str, seconds: float) -> None:
        """Publish why the container waits, and try again after so long."""
        self.waiting[container.name] = Waiting(reason, message)
        self.not_before[container.name] = self.services.clock.monotonic() + seconds
        self.observe_soon(seconds)

    def reported_restarts(self, name: str) -> int:
        """The restartCount that the API has of a container that the runtime has no trace of; -1 for none."""
        statuses = (*self.pod.status.init_container_statuses, *self.pod.status.container_statuses)
        known = (s.get("restartCount", 0) for s in statuses if s.get("name") == name and s.get("containerID"))
        return next(known, -1)

    async def start_failed(self, container: Container, error: RuntimeFailure | OSError) -> None:
        """The runtime could not create or start it, or is not there."""
        if isinstance(error, RuntimeUnavailable):
            self.not_before[container.name] = self.services.clock.monotonic() + RETRY_FIRST
            self.observe_soon(RETRY_FIRST)
            return
        with contextlib.suppress(RuntimeFailure):
            await read_all(self.services.runtime, self.services.options, self.holdings)
        created = self.holdings.current_state(container.name) is ContainerState.CREATED
        reason = "RunContainerError" if created else "CreateContainerError"
        failures = self.failures[container.name] = self.failures.get(container.name, -1) + 1
        delay = exponential(RETRY_FIRST, RETRY_LONGEST, failures)
        self.wait(container, reason, getattr(error, "message", str(error)), delay)
        self.tell_failure(container, getattr(error, "message", str(error)))

    async def hook_failed(self, container: Container, why: str) -> None:
        """A container whose postStart hook fails is killed; its policy decides what then."""
        self.services.tell(self.pod, "Warning", "FailedPostStartHook", f"PostStartHook failed: {why}", container)
        record = self.holdings.records[container.name][0]
        message = f"Container {container.name} failed postStart hook, will be restarted"
        await self.kill(Kill(container, record, message))

    async def kill(self, kill: Kill) -> None:
        grace = self.pod.spec.termination_grace_period_seconds
        failure = self.services.probes.failure(kill.record.id)
        probe = kill.container.startup_probe if failure == "startup" else kill.container.liveness_probe
        if failure and probe and probe.termination_grace_period_seconds is not None:
            grace = probe.termination_grace_period_seconds
        await stop_container(self.pod, kill.container, kill.record, self.holdings, self.services, grace, kill.message)

    def watch_running(self) -> None:
        """Probes begin with the container, once its postStart hook is through."""
        for container in containers_of(self.pod):
            record = self.observation().running(container.name)
            if record and container.name not in self.tasks:
                self.services.probes.start(self.pod, container, record.id, self.addresses)

    # REPORT

    def report(self) -> None:
        if not self.removed:
            self.services.publisher.publish(self.pod, pod_status(self.current_report()))

    def current_report(self) -> Report:
        state = self.lifecycle.state
        return Report(
            pod=self.pod,
            seen=self.observation(),
            now=self.services.clock.now(),
            stopping=state is State.TERMINATING,
            stopped=state not in (State.SYNCING, State.TERMINATING),
            waiting=self.waiting if state is State.SYNCING else {},
            addresses=self.addresses,
            sandbox_ready=bool(self.holdings.sandbox and self.holdings.sandbox.ready),
            ready=self.services.probes.ready,
            started=self.services.probes.started,
            outcome="" if state is State.TERMINATING else self.outcome,
            published=self.services.publisher.last(self.pod.uid),
            reason=self.reason,
            message=self.message,
            start_time=self.start_time,
            runtime_name=self.services.options.runtime_name,
        )

    # What the runtime tells

    def knows(self, container_id: str) -> bool:
        return container_id == self.holdings.sandbox_id or self.holdings.find(container_id) is not None

    async def container_exited(self, container_id: str) -> None:
        """Its process ended; the sandbox's own end counts too."""
        if container_id == self.holdings.sandbox_id:
            await read_all(self.services.runtime, self.services.options, self.holdings)
        elif record := self.holdings.find(container_id):
            self.services.probes.stop(container_id)
            self.waiting.pop(record.name, None)
            await read_exited(self.services.runtime, self.services.clock, self.services.options, self.holdings, record)
        self.observe_unless_gone()

    # STOP, CLEAN, CONFIRM

    def wanted_grace(self) -> int:
        """Seconds; a pod that the API has given up without waiting for the node gets the least."""
        meta, spec = self.pod.metadata, self.pod.spec
        if self.removed:
            return 1
        if meta.deletion_grace_period_seconds is not None:
            return max(1, meta.deletion_grace_period_seconds)
        return max(1, spec.termination_grace_period_seconds)

    def stop(self) -> None:
        self.grace = self.wanted_grace()
        self.run(LIFE, self.terminate(self.cancel(), self.grace))
        self.report()

    def hasten(self) -> None:
        if self.wanted_grace() < self.grace:
            self.stop()

    async def terminate(self, others: list[asyncio.Task[None]], grace: int) -> None:
        await asyncio.gather(*others, return_exceptions=True)
        await self.until_done(lambda: stop_pod(self.pod, self.holdings, self.services, grace))
        for records in self.holdings.records.values():
            for record in records:
                self.services.probes.stop(record.id)
        self.handle(Event.STOPPED)

    async def until_done(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Repeat while the runtime or the file system refuses."""
        failures = 0
        while True:
            try:
                await work()
            except (RuntimeFailure, OSError) as error:
                log.warning("pod %s: %s", self.lifecycle.name, error)
                await self.services.clock.sleep(exponential(RETRY_FIRST, RETRY_LONGEST, failures))
                failures += 1
            else:
                return

    def clean(self) -> None:
        self.run(LIFE, self.give_back())

    async def give_back(self) -> None:
        await self.until_done(lambda: clean_pod(self.pod, self.holdings, self.services))
        self.handle(Event.CLEANED)

    def confirm(self) -> None:
        if not self.removed:
            self.run("confirm", self.confirm_deletion())

    async def confirm_deletion(self) -> None:
        """Everything is gone: the API may forget the pod, if it still is this one."""
        meta, failures = self.pod.metadata, 0
        await self.services.publisher.flush(meta.uid)
        while not self.removed:
            try:
                await self.services.client.delete(PODS, meta.name, meta.namespace, grace=0, uid=meta.uid)
            except (NotFound, Conflict):
                return
            except (APIError, ConnectionError, TimeoutError):
                await self.services.clock.sleep(exponential(RETRY_FIRST, RETRY_LONGEST, failures))
                failures += 1
            else:
                return


def go_duration(seconds: float) -> str:
    """As Go prints whole seconds: 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
