"""The supervisor: starts the cluster's processes, restarts what dies, and stops everything in order.

It is one small loop over pidfds and signals, asleep until one of them speaks:
    SIGTERM   stop everything, in reverse order, and end
    SIGHUP    look again which parts there should be
Parts are detached, so the supervisor's own death stops nothing; the parts then start its successor (guardian.py), which
adopts them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from knarr.cluster import processes
from knarr.cluster.processes import Part, Process

FIRST_DELAY, LONGEST_DELAY = 0.1, 10.0  # seconds before a part that died is started again
STEADY = 30.0  # a part that ran so long has recovered: its next restart is quick again
LOG_LIMIT = 16 << 20  # bytes; a log over this is put aside when its part starts


@dataclass(slots=True)
class _Kept:
    """A part and what has become of it."""

    part: Part
    process: Process | None = None
    started: float = 0.0
    delay: float = FIRST_DELAY
    due: float = 0.0  # when to start it again, monotonic


class AlreadyRunningError(Exception):
    """Another supervisor holds this cluster."""


def lock(run: Path) -> int:
    """Take the cluster's lock for the life of this process.

    Raises AlreadyRunningError, and FileNotFoundError where the cluster has been stopped and its folder removed.
    """
    fd = os.open(run / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise AlreadyRunningError from None
    return fd


class Supervisor:
    """Keeps `parts()` running until told to stop; `stopping(name)` is called after each part has been stopped."""

    def __init__(
        self, run: Path, logs: Path, parts: Callable[[], Sequence[Part]], stopping: Callable[[str], None]
    ) -> None:
        self._run, self._logs, self._parts, self._stopping = run, logs, parts, stopping
        self._kept: dict[str, _Kept] = {}
        self._wake, wake_write = os.pipe()
        for end in (self._wake, wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_write)
        self._stop = self._reload = False
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def _on_stop(self, *_: object) -> None:
        self._stop = True

    def _on_reload(self, *_: object) -> None:
        self._reload = True

    def serve(self) -> None:
        """Run until SIGTERM, then stop every part in reverse order."""
        self._take_up()
        while not self._stop:
            self._wait()
            if self._reload:
                self._reload = False
                self._take_up()
            for kept in self._kept.values():
                self._tend(kept)
        for kept in reversed(self._kept.values()):
            self._end(kept)

    def _take_up(self) -> None:
        """Adopt or start every part that there should be, and stop those that there no longer should."""
        wanted = {part.name: part for part in self._parts()}
        for name in [name for name in self._kept if name not in wanted]:
            self._end(self._kept.pop(name))
        for name, part in wanted.items():
            if name not in self._kept:
                self._kept[name] = kept = _Kept(part, processes.find(self._pid_file(name)), time.monotonic())
                self._tend(kept)

    def _tend(self, kept: _Kept) -> None:
        now = time.monotonic()
        if kept.process and kept.process.ended():
            kept.process.release()
            kept.process = None
            kept.delay = FIRST_DELAY if now - kept.started > STEADY else min(kept.delay * 2, LONGEST_DELAY)
            kept.due = now + kept.delay
            _say(f"{kept.part.name} ended; starting it again in {kept.delay:.1f} s")
        if not kept.process and now >= kept.due:
            self._start(kept)

    def _start(self, kept: _Kept) -> None:
        kept.started = time.monotonic()
        log = self._logs / f"{kept.part.name}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        try:
            kept.process = processes.launch(kept.part.argv, log, kept.part.environment)
        except OSError as error:
            kept.delay = min(kept.delay * 2, LONGEST_DELAY)
            kept.due = kept.started + kept.delay
            _say(f"{kept.part.name} cannot be started: {error}")
            return
        processes.record(self._pid_file(kept.part.name), kept.process.pid)
        _say(f"{kept.part.name} started, pid {kept.process.pid}")

    def _end(self, kept: _Kept) -> None:
        if kept.process:
            kept.process.stop(kept.part.grace)
            kept.process.release()
            kept.process = None
            _say(f"{kept.part.name} stopped")
        self._pid_file(kept.part.name).unlink(missing_ok=True)
        self._stopping(kept.part.name)

    def _wait(self) -> None:
        """Sleep until a part ends, a signal arrives or a restart is due."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        dues = []
        for kept in self._kept.values():
            if kept.process:
                poll.register(kept.process.fd, select.POLLIN)
            else:
                dues.append(kept.due)
        poll.poll(max(0.0, min(dues) - time.monotonic()) * 1000 + 1 if dues else None)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 512)

    def _pid_file(self, name: str) -> Path:
        return self._run / f"{name}.pid"


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text}\n")
    sys.stderr.flush()
