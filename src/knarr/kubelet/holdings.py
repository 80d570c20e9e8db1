"""What one pod has in the runtime, as last seen: its sandboxes and containers.

Everything here can be had again from the runtime; nothing is kept on disk.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path

from knarr.kubelet.containers import MESSAGE_POLICY
from knarr.kubelet.cri.runtime import ContainerRecord, ContainerState, NotFoundInRuntime, Runtime, Sandbox
from knarr.kubelet.options import PodOptions
from knarr.kubelet.sandboxes import log_directory
from knarr.machinery.clock import Clock

MESSAGE_SIZE = 4096  # bytes of a termination message
LOG_SIZE, LOG_LINES = 2048, 80  # what FallbackToLogsOnError takes of the log
FIRST_LOOK, LAST_LOOK = 0.005, 1.0  # seconds between looks at a container that should have exited


@dataclass(slots=True)
class Holdings:
    """`sandbox` is the newest, living or dead; `records` are by container name, newest first."""

    namespace: str
    name: str
    uid: str
    sandbox: Sandbox | None = None
    records: dict[str, list[ContainerRecord]] = field(default_factory=dict)

    @property
    def sandbox_id(self) -> str:
        return self.sandbox.id if self.sandbox else ""

    def put(self, record: ContainerRecord) -> None:
        """Learn of a container, or of its new state; answers may overtake each other, but an exit is for good."""
        known_record = self.find(record.id)
        if known_record and known_record.state is ContainerState.EXITED:
            return
        others = [known for known in self.records.get(record.name, ()) if known.id != record.id]
        self.records[record.name] = sorted([record, *others], key=lambda r: (r.attempt, r.created_at), reverse=True)

    def find(self, container_id: str) -> ContainerRecord | None:
        return next((r for records in self.records.values() for r in records if r.id == container_id), None)

    def newest_state(self, name: str) -> ContainerState | None:
        """Of the container's newest life."""
        return self.records[name][0].state if self.records.get(name) else None

    def drop(self, record: ContainerRecord) -> None:
        self.records[record.name] = [known for known in self.records[record.name] if known.id != record.id]

    def running(self) -> list[ContainerRecord]:
        """What runs, in whichever sandbox; unknown states count, since they may."""
        idle = (ContainerState.EXITED, ContainerState.CREATED)
        return [record for records in self.records.values() for record in records if record.state not in idle]

    def next_attempt(self, name: str, reported: int) -> int:
        """The number of the container's next life; `reported` is the API's restartCount or -1."""
        known = self.records.get(name)
        return known[0].attempt + 1 if known else reported + 1


async def read_container(
    runtime: Runtime, options: PodOptions, holdings: Holdings, sandbox_id: str, container_id: str
) -> ContainerRecord:
    """The container's full record, with its termination message where it has exited. Raises RuntimeFailure."""
    record = replace(await runtime.container_status(container_id), sandbox_id=sandbox_id)
    if record.state is ContainerState.EXITED:
        message = termination_message(record, holdings, options)
        record = replace(record, message=message or record.message)
    holdings.put(record)
    return record


async def read_exited(
    runtime: Runtime, clock: Clock, options: PodOptions, holdings: Holdings, known: ContainerRecord
) -> ContainerRecord | None:
    """The record of a container whose exit was told: the runtime's own books may be a moment behind its events."""
    delay = FIRST_LOOK
    while True:
        try:
            record = await read_container(runtime, options, holdings, known.sandbox_id, known.id)
        except NotFoundInRuntime:
            holdings.drop(known)
            return None
        if record.state is ContainerState.EXITED or delay > LAST_LOOK:
            return record
        await clock.sleep(delay)
        delay *= 2


async def read_dead_sandbox(runtime: Runtime, clock: Clock, options: PodOptions, holdings: Holdings) -> None:
    """All anew, once the runtime's books have the death of the sandbox that was told."""
    delay = FIRST_LOOK
    await read_all(runtime, options, holdings)
    while holdings.sandbox and holdings.sandbox.ready and delay <= LAST_LOOK:
        await clock.sleep(delay)
        delay *= 2
        await read_all(runtime, options, holdings)


def termination_message(record: ContainerRecord, holdings: Holdings, options: PodOptions) -> str:
    """What the container wrote to its message file; by policy, the end of its log where it failed without a word."""
    file = options.pod_directory(holdings.uid) / "containers" / record.name / str(record.attempt)
    message = tail(file, MESSAGE_SIZE, from_start=True)
    fallback = record.annotations.get(MESSAGE_POLICY) == "FallbackToLogsOnError" and record.exit_code != 0
    if message or not fallback:
        return message
    directory = log_directory(options.log_root, holdings.namespace, holdings.name, holdings.uid)
    return log_tail(directory / record.name / f"{record.attempt}.log")


def tail(file: Path, size: int, *, from_start: bool = False) -> str:
    try:
        with file.open("rb") as stream:
            if not from_start:
                stream.seek(max(0, file.stat().st_size - size))
            return stream.read(size).decode(errors="replace")
    except OSError:
        return ""


def log_tail(file: Path) -> str:
    """The last lines of a log in CRI's format, without its prefixes `time stream tag `."""
    lines = deque(tail(file, 4 * LOG_SIZE).splitlines(), maxlen=LOG_LINES)
    texts = [parts[3] for line in lines if len(parts := line.split(" ", 3)) == 4]
    return "".join(f"{text}\n" for text in texts)[-LOG_SIZE:]


async def read_all(runtime: Runtime, options: PodOptions, holdings: Holdings) -> None:
    """Learn everything anew from the runtime. Raises RuntimeFailure."""
    sandboxes, listed = await asyncio.gather(runtime.sandboxes(holdings.uid), runtime.containers(holdings.uid))
    await adopt(runtime, options, holdings, sandboxes, listed)


async def adopt(
    runtime: Runtime, options: PodOptions, holdings: Holdings, sandboxes: list[Sandbox], listed: list[ContainerRecord]
) -> None:
    """Bring the holdings up to what was listed; full records are read only where something is new."""
    newest = max(sandboxes, key=lambda sandbox: (sandbox.attempt, sandbox.created_at), default=None)
    if newest and (holdings.sandbox is None or not holdings.sandbox.ips or holdings.sandbox.id != newest.id):
        newest = await runtime.sandbox_status(newest.id)
    if newest and holdings.sandbox and newest.id == holdings.sandbox.id:
        newest = replace(newest, ips=newest.ips or holdings.sandbox.ips)
    holdings.sandbox = newest
    here = {record.id for record in listed}
    for known in [r for records in holdings.records.values() for r in records if r.id not in here]:
        holdings.drop(known)
    for record in listed:
        known_record = holdings.find(record.id)
        if known_record is None or known_record.state is not record.state:
            await read_container(runtime, options, holdings, record.sandbox_id, record.id)
