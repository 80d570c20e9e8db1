"""Brings a pod's containers up: when each may start, what it waits for, and what becomes of failures."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import partial

from knarr.kubelet.containers import describe
from knarr.kubelet.cri.runtime import ContainerRecord, ContainerState, RuntimeFailure, RuntimeUnavailable
from knarr.kubelet.holdings import read_all
from knarr.kubelet.hooks import HookError
from knarr.kubelet.images import ImageError
from knarr.kubelet.interfaces import ConfigError, Mount, VolumeError
from knarr.kubelet.objects import Container
from knarr.kubelet.plan import Kill
from knarr.kubelet.report import Waiting
from knarr.kubelet.restarts import Restarts
from knarr.kubelet.starting import prepare, start_container
from knarr.kubelet.stopping import discard_stillborn, prune, stop_container
from knarr.kubelet.tasks import Tasks
from knarr.kubelet.tenant import Tenant
from knarr.runtime.backoff import exponential

GROUND = ""  # the key of the task that prepares sandbox and volumes; containers' tasks have their names
BACK_OFF = "CrashLoopBackOff"
RETRY_FIRST, RETRY_LONGEST = 1.0, 10.0  # seconds, for what may heal by itself
CONFIG_RETRY = 10.0  # seconds until a missing ConfigMap or Secret is looked for again


class Launcher:
    """`later(seconds)` has the worker look again then."""

    def __init__(self, tenant: Tenant, tasks: Tasks, later: Callable[[float], None]) -> None:
        self.tenant, self.tasks, self.later = tenant, tasks, later
        self.services, self.holdings = tenant.services, tenant.holdings
        self.clock = tenant.services.clock
        self.waiting: dict[str, Waiting] = {}
        self.restarts = Restarts()
        self.mounts: Mapping[str, Mount] | None = None
        self.ends: dict[str, tuple[str, float]] = {}  # by container, its last life and when that ended
        self.failures: dict[str, int] = {}  # of the runtime to start a container, in a row
        self.not_before: dict[str, float] = {}  # monotonic time of the next attempt, after such a failure

    # When

    def consider(self, container: Container) -> None:
        """Start it, unless its last failures say to wait."""
        if self.not_before.get(container.name, 0.0) > self.clock.monotonic():
            return
        last = next(iter(self.holdings.records.get(container.name, ())), None)
        if last is None or last.state is not ContainerState.EXITED or self.may_restart(container, last):
            self.tasks.run(container.name, self.start(container))

    def may_restart(self, container: Container, last: ContainerRecord) -> bool:
        now = self.clock.monotonic()
        remaining = self.restarts.remaining(container.name, self.ended_at(last), now)
        if remaining <= 0:
            self.restarts.tried(container.name, now)
            return True
        waiting = self.waiting.get(container.name)
        if waiting is None or waiting.reason != BACK_OFF:
            self.back_off(container, remaining)
        return False

    def ended_at(self, record: ContainerRecord) -> float:
        """By the monotonic clock, so that nobody waits longer or shorter when the wall clock is set."""
        if self.ends.get(record.name, ("", 0.0))[0] != record.id:
            age = max(0.0, self.clock.now().timestamp() - record.finished_at / 1e9)
            self.ends[record.name] = (record.id, self.clock.monotonic() - age)
        return self.ends[record.name][1]

    def back_off(self, container: Container, remaining: float) -> None:
        name, who = container.name, describe(self.tenant.pod)
        length = go_duration(self.restarts.seconds(name))
        text = f"back-off {length} restarting failed container={name} pod={who}"
        self.waiting[name] = Waiting(BACK_OFF, text)
        told = f"Back-off restarting failed container {name} in pod {who}"
        self.tenant.tell("Warning", "BackOff", told, container)
        self.later(remaining)

    def exited(self, record: ContainerRecord) -> None:
        """A container's process is gone: what it waited for is over."""
        self.ends[record.name] = (record.id, self.clock.monotonic())
        self.services.probes.stop(record.id)
        self.waiting.pop(record.name, None)

    # Ground

    def begin_ground(self) -> None:
        """Prepare sandbox and volumes, unless they are there or being prepared."""
        if GROUND not in self.tasks and not (self.tenant.grounded and self.mounts is not None):
            self.tasks.run(GROUND, self.prepare())

    async def prepare(self) -> None:
        failures = 0
        while True:
            try:
                self.mounts = await prepare(self.tenant)
            except VolumeError as error:
                self.tenant.tell("Warning", "FailedMount", str(error))
            except (RuntimeFailure, ConfigError, OSError) as error:
                text = f"Failed to create pod sandbox: {error}"
                self.tenant.tell("Warning", "FailedCreatePodSandBox", text)
                with contextlib.suppress(RuntimeFailure):
                    await discard_stillborn(self.tenant)
            else:
                return
            await self.clock.sleep(exponential(RETRY_FIRST, RETRY_LONGEST, failures))
            failures += 1

    async def ground(self) -> Mapping[str, Mount]:
        """The mounts, once the sandbox lives."""
        while self.mounts is None or not self.tenant.grounded:
            self.begin_ground()
            await self.tasks.wait(GROUND)
        return self.mounts

    # Start

    async def start(self, container: Container) -> None:
        """Image and ground side by side, then the container; what fails becomes what it waits for."""
        try:
            self.begin_ground()
            await self.launch(container)
        except ImageError as error:
            self.wait(container, error.reason, error.message, error.retry)
            self.tell_failure(container, error.reason)
        except ConfigError as error:
            self.wait(container, "CreateContainerConfigError", str(error), CONFIG_RETRY)
            self.tell_failure(container, str(error))
        except RuntimeUnavailable:
            self.retry(container, RETRY_FIRST)
        except RuntimeFailure as error:
            await self.start_failed(container, error.message)
        except OSError as error:
            await self.start_failed(container, str(error))
        except HookError as error:
            await self.hook_failed(container, str(error))

    async def launch(self, container: Container) -> None:
        name = container.name
        tell = partial(self.tenant.tell, container=container)
        image = await self.services.images.ensure(self.tenant.pod, container, tell)
        mounts = await self.ground()
        attempt = self.holdings.next_attempt(name, self.tenant.reported_restarts(name))
        await start_container(self.tenant, container, image, mounts, attempt)
        self.waiting.pop(name, None)
        self.failures.pop(name, None)
        await prune(self.holdings, self.services)

    def wait(self, container: Container, reason: str, message: str, seconds: float) -> None:
        """Publish why the container waits, and try again after so long."""
        self.waiting[container.name] = Waiting(reason, message)
        self.retry(container, seconds)

    def retry(self, container: Container, seconds: float) -> None:
        self.not_before[container.name] = self.clock.monotonic() + seconds
        self.later(seconds)

    def tell_failure(self, container: Container, what: str) -> None:
        self.tenant.tell("Warning", "Failed", f"Error: {what}", container)

    async def start_failed(self, container: Container, message: str) -> None:
        """The runtime could not create or start it."""
        with contextlib.suppress(RuntimeFailure):
            await read_all(self.services.runtime, self.services.options, self.holdings)
        if not self.tenant.grounded:  # the sandbox died under it, which is no fault of the container's
            self.restarts.reset(container.name)
            return
        created = self.holdings.newest_state(container.name) is ContainerState.CREATED
        failures = self.failures[container.name] = self.failures.get(container.name, -1) + 1
        reason = "RunContainerError" if created else "CreateContainerError"
        self.wait(container, reason, message, exponential(RETRY_FIRST, RETRY_LONGEST, failures))
        self.tell_failure(container, message)

    async def hook_failed(self, container: Container, why: str) -> None:
        """A container whose postStart hook fails is killed; its policy decides what then."""
        self.tenant.tell("Warning", "FailedPostStartHook", f"PostStartHook failed: {why}", container)
        record = self.holdings.records[container.name][0]
        await self.kill(Kill(container, record, "FailedPostStartHook"))

    async def kill(self, kill: Kill) -> None:
        """Stop one container, in the grace of the probe that condemned it or of the pod."""
        container, grace = kill.container, self.tenant.pod.spec.termination_grace_period_seconds
        failure = self.services.probes.failure(kill.record.id)
        probe = container.startup_probe if failure == "startup" else container.liveness_probe
        if failure and probe and probe.termination_grace_period_seconds is not None:
            grace = probe.termination_grace_period_seconds
        await stop_container(self.tenant, container, kill.record, grace, kill.message)


def go_duration(seconds: float) -> str:
    """As Go prints whole seconds: 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
