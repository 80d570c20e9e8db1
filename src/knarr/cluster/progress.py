"""What a user sees of a start: the steps that are done, and the last words of who failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Say = Callable[[str], None]


@contextmanager
def step(done: str, say: Say) -> Iterator[None]:
    """Tell what has been done, with the time that it took."""
    started = time.monotonic()
    yield
    say(f"{done}  {time.monotonic() - started:.2f} s")


def last_words(log: Path) -> str:
    """The last line of a log, and where to read more."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    return f"{lines[-1].strip()} (more in {log})" if lines else f"{log} is empty"
