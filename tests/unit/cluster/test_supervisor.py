"""The supervisor with real processes: it restarts, adopts, and stops what it keeps."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from knarr.cluster import processes

KEEPER = """
import os
import sys
from pathlib import Path
from knarr.cluster.processes import Part, record
from knarr.cluster.supervisor import AlreadyRunningError, Supervisor, lock
run = Path(sys.argv[1])
try:
    held = lock(run)
except AlreadyRunningError:
    sys.exit(3)
deaf = "trap '' TERM; sleep 1000 & wait; wait"
parts = [Part("sleeper", ("sleep", "1000")), Part("stubborn", ("sh", "-c", deaf), grace=0.2)]
supervisor = Supervisor(run, run, lambda: parts, lambda name: print(name, flush=True))
record(run / "supervisor.pid", os.getpid())  # from here on it listens to signals
supervisor.serve()
"""


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = start(tmp_path)
    until(lambda: len(pids(tmp_path)) == 2)
    yield process
    process.kill()
    process.wait()
    assert process.stdout
    process.stdout.close()
    for pid in pids(tmp_path).values():
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def start(run: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", KEEPER, str(run)], stdout=subprocess.PIPE, text=True)


def pids(run: Path) -> dict[str, int]:
    found = {}
    for path in run.glob("*.pid"):
        if path.stem != "supervisor" and (process := processes.find(path)):
            os.close(process.fd)
            found[path.stem] = process.pid
    return found


def until(condition: object, patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        select.select([], [], [], 0.01)


def test_restarts_what_dies(keeper: subprocess.Popen[str], tmp_path: Path) -> None:
    before = pids(tmp_path)
    os.kill(before["sleeper"], signal.SIGKILL)
    until(lambda: pids(tmp_path).get("sleeper") not in (None, before["sleeper"]))
    assert pids(tmp_path)["stubborn"] == before["stubborn"]


def test_stops_all_in_reverse_order_even_who_does_not_listen(keeper: subprocess.Popen[str], tmp_path: Path) -> None:
    keeper.send_signal(signal.SIGTERM)
    output, _ = keeper.communicate(timeout=10)
    assert output.split() == ["stubborn", "sleeper"]
    assert pids(tmp_path) == {}


def test_a_successor_adopts_what_runs(keeper: subprocess.Popen[str], tmp_path: Path) -> None:
    before = pids(tmp_path)
    keeper.kill()
    keeper.wait()
    assert pids(tmp_path) == before, "parts outlive their supervisor"
    successor = start(tmp_path)
    until(lambda: int((tmp_path / "supervisor.pid").read_text().split()[0]) == successor.pid)
    successor.send_signal(signal.SIGTERM)
    assert successor.communicate(timeout=10)[0].split() == ["stubborn", "sleeper"]
    assert pids(tmp_path) == {}


def test_there_is_only_one(keeper: subprocess.Popen[str], tmp_path: Path) -> None:
    second = start(tmp_path)
    assert second.wait(10) == 3
    assert second.stdout
    second.stdout.close()
