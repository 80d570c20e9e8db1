"""Processes that outlive their parent: started detached, found again by a file, waited for by a file descriptor.

A process id alone names nobody for long, so each is kept with the process's start time; a pidfd then stays with exactly
that process and becomes readable when it ends, whoever its parent is. So a supervisor that comes back adopts what its
predecessor started.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Part:
    """A process that a cluster consists of. `grace` is how many seconds it gets between SIGTERM and SIGKILL."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    grace: float = 10.0


@dataclass(slots=True)
class Process:
    """A live process, ours or adopted."""

    pid: int
    fd: int  # pidfd

    def ended(self, timeout: float = 0.0) -> bool:
        """Whether it has ended, waiting at most so many seconds for that."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return bool(poll.poll(timeout * 1000))

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.fd, number)

    def stop(self, grace: float) -> None:
        """SIGTERM, and after `grace` seconds SIGKILL; returns when it has ended."""
        self.signal(signal.SIGTERM)
        if not self.ended(grace):
            self.signal(signal.SIGKILL)
            self.ended(grace)

    def release(self) -> None:
        """Forget it: reap it where it is a child of ours, and close the descriptor."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        os.close(self.fd)


def start_time(pid: int) -> str:
    """When the process started, in clock ticks since boot: with the pid, its identity.

    Empty where there is no such process, or only a zombie is left of it.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    fields = stat.rpartition(")")[2].split()  # the command's name may hold spaces and brackets
    return "" if fields[0] in "ZX" else fields[19]


def record(path: Path, pid: int) -> None:
    """Remember a process in a file."""
    draft = path.with_suffix(".new")
    draft.write_text(f"{pid} {start_time(pid)}\n")
    draft.replace(path)


def find(path: Path) -> Process | None:
    """The process that a file remembers, if it still runs."""
    try:
        pid, started = path.read_text().split()
        fd = os.pidfd_open(int(pid))
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    if start_time(int(pid)) == started:
        return Process(int(pid), fd)
    os.close(fd)
    return None


def pid_of(path: Path) -> int:
    """The id of the process that a file remembers, 0 where it runs no more."""
    process = find(path)
    if process is None:
        return 0
    os.close(process.fd)
    return process.pid


def launch(argv: Sequence[str], log: Path, environment: Mapping[str, str]) -> Process:
    """Start a process in a session of its own, its output appended to `log` (0600). Raises OSError."""
    log.parent.mkdir(parents=True, exist_ok=True)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    finally:
        os.close(output)
    child.returncode = 0  # whoever holds the pidfd waits for it; Popen must not complain that nobody did
    return Process(child.pid, os.pidfd_open(child.pid))
