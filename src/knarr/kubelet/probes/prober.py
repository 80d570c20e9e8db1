"""Asks running containers how they are, as their probes say (https://kubernetes.io/docs/concepts/workloads/pods/probes/).

    running ──startup probe──> started ──readiness probe──> ready, or not
                 │                  └────liveness probe───> condemned
                 └──────────────────────────────────────> condemned

What has no startup probe is started, what has no readiness probe is ready once started. A condemned container is asked
nothing more: its worker kills it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from knarr.client.objects import JSON
from knarr.kubelet.cri.runtime import Runtime
from knarr.kubelet.interfaces import Addresses
from knarr.kubelet.objects import Container, Pod, Probe
from knarr.kubelet.probes.check import CheckError, Outcome, Result, Target
from knarr.kubelet.probes.table import CHECKS
from knarr.kubelet.probes.tally import Tally
from knarr.machinery.clock import Clock
from knarr.machinery.times import parse_time
from knarr.runtime.events import EventRecorder

log = logging.getLogger(__name__)

_ATTEMPTS = 3  # to ask a question that could not be asked


@dataclass(slots=True)
class _Probed:
    """A container, and what is known of it."""

    pod: Pod
    target: Target
    task: asyncio.Task[None] | None = None
    started: bool = False
    ready: bool = False
    condemned_by: str = ""


class Prober:
    """`changed(pod uid)` is called whenever an answer of started, ready or failure changes."""

    def __init__(self, runtime: Runtime, clock: Clock, events: EventRecorder, changed: Callable[[str], None]) -> None:
        self._runtime, self._clock, self._events, self._changed = runtime, clock, events, changed
        self._probed: dict[str, _Probed] = {}

    def start(self, pod: Pod, container: Container, container_id: str, addresses: Addresses) -> None:
        """Begin to probe a running container; a second call for it does nothing.

        What the published status says of this very container is believed until a probe says otherwise: a kubelet that
        starts again must not take the pods of its node out of their services.
        """
        if container_id in self._probed:
            return
        known = _status(pod, container_id)
        probed = _Probed(pod, Target(container, container_id, addresses.pod_ip, self._runtime))
        probed.started = not container.startup_probe or bool(known.get("started"))
        probed.ready = probed.started and (not container.readiness_probe or bool(known.get("ready")))
        self._probed[container_id] = probed
        if container.startup_probe or container.readiness_probe or container.liveness_probe:
            age = self._age(known)
            probed.task = asyncio.get_running_loop().create_task(self._run(probed, age))

    def stop(self, container_id: str) -> None:
        probed = self._probed.pop(container_id, None)
        if probed and probed.task:
            probed.task.cancel()

    def started(self, container_id: str) -> bool:
        probed = self._probed.get(container_id)
        return probed is not None and probed.started

    def ready(self, container_id: str) -> bool:
        probed = self._probed.get(container_id)
        return probed is not None and probed.ready

    def failure(self, container_id: str) -> str:
        """Which probe condemned the container: "", "liveness" or "startup"."""
        probed = self._probed.get(container_id)
        return probed.condemned_by if probed else ""

    async def close(self) -> None:
        """Stop probing everything."""
        tasks = [probed.task for probed in self._probed.values() if probed.task]
        for container_id in list(self._probed):
            self.stop(container_id)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _age(self, status: JSON) -> float:
        """Seconds that the container has been running, as far as the status tells."""
        started = status.get("state", {}).get("running", {}).get("startedAt")
        return max((self._clock.now() - parse_time(started)).total_seconds(), 0.0) if started else 0.0

    async def _run(self, probed: _Probed, age: float) -> None:
        container, begun = probed.target.container, self._clock.monotonic() - age
        if container.startup_probe and not probed.started:
            await self._repeat(probed, container.startup_probe, "Startup", begun)
        if probed.condemned_by:
            return
        async with asyncio.TaskGroup() as probes:
            if container.readiness_probe:
                probes.create_task(self._repeat(probed, container.readiness_probe, "Readiness", begun))
            if container.liveness_probe:
                probes.create_task(self._repeat(probed, container.liveness_probe, "Liveness", begun))

    async def _repeat(self, probed: _Probed, probe: Probe, kind: str, begun: float) -> None:
        """Ask every period until there is nothing more to ask."""
        tally = Tally(probe.success_threshold, probe.failure_threshold)
        due = begun + probe.initial_delay_seconds
        over = False
        while not over:
            await self._sleep_until(due)
            due = max(due + probe.period_seconds, self._clock.monotonic())
            success = await self._ask(probed, probe, kind)
            verdict = None if success is None else tally.add(success)
            over = verdict is not None and self._decide(probed, kind, verdict)

    async def _sleep_until(self, due: float) -> None:
        wait = due - self._clock.monotonic()
        if wait > 0:
            await self._clock.sleep(wait)

    def _decide(self, probed: _Probed, kind: str, success: bool) -> bool:
        """Draw the conclusion from a verdict; whether this probe has nothing more to find out."""
        before = (probed.started, probed.ready, probed.condemned_by)
        if kind == "Readiness":
            probed.ready = success
        elif not success:
            probed.condemned_by, probed.ready = kind.lower(), False
        elif kind == "Startup":
            probed.started = True
            probed.ready = probed.target.container.readiness_probe is None
        if before != (probed.started, probed.ready, probed.condemned_by):
            self._changed(probed.pod.uid)
        return bool(probed.condemned_by) or kind == "Startup"

    async def _ask(self, probed: _Probed, probe: Probe, kind: str) -> bool | None:
        """One answer, and the event that it deserves; None when it could not be had."""
        try:
            result = await _attempt(probed.target, probe)
        except CheckError as error:
            self._tell(probed, "Unhealthy", f"{kind} probe errored and resulted in unknown state: {error}")
            return None
        if result.outcome is Outcome.WARNING:
            self._tell(probed, "ProbeWarning", f"{kind} probe warning: {result.message}")
        if result.outcome is Outcome.FAILURE:
            self._tell(probed, "Unhealthy", f"{kind} probe failed: {result.message}")
        return result.outcome is not Outcome.FAILURE

    def _tell(self, probed: _Probed, reason: str, message: str) -> None:
        meta, container = probed.pod.metadata, probed.target.container
        field = "containers" if container in probed.pod.spec.containers else "initContainers"
        about = {
            "kind": "Pod",
            "apiVersion": "v1",
            "namespace": meta.namespace,
            "name": meta.name,
            "uid": meta.uid,
            "fieldPath": f"spec.{field}{{{container.name}}}",
        }
        self._events.event(about, "Warning", reason, message)


async def _attempt(target: Target, probe: Probe) -> Result:
    for remaining in reversed(range(_ATTEMPTS)):
        try:
            return await _ask_once(target, probe)
        except CheckError as error:
            log.debug("probe of container %s errored: %s", target.container_id, error)
            if not remaining:
                raise
    raise AssertionError("unreachable")


async def _ask_once(target: Target, probe: Probe) -> Result:
    for check in CHECKS:
        if action := getattr(probe, check.field):
            try:
                return await check.ask(target, action, probe.timeout_seconds)
            except ValueError as error:  # a host that is no name, a URL that is none
                raise CheckError(str(error)) from error
    raise CheckError(f"missing probe handler for {target.container.name}")


def _status(pod: Pod, container_id: str) -> JSON:
    """What the published status says of this instance of the container, if anything."""
    statuses = (*pod.status.container_statuses, *pod.status.init_container_statuses)
    return next((s for s in statuses if str(s.get("containerID", "")).endswith(f"//{container_id}")), {})
