"""A kill cannot show whether the disk was told; the order of system calls can."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

CALL = re.compile(r"(\d+) +(<\.\.\. )?(\w+)(?: resumed>|\()(.*)")


def completed_calls(trace: str) -> Iterator[tuple[str, str]]:
    """Name and text of each call, in the order in which they returned; strace cuts calls of several threads in two."""
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        match = CALL.match(line)
        if not match:
            continue
        thread, resumed, name, text = match.groups()
        if text.endswith("<unfinished ...>"):
            begun[thread] = text
        else:
            yield name, (begun.pop(thread) if resumed else "") + text


def label(name: str, text: str) -> str:
    if name == "write" and '"begin"' in text:
        return "begin"
    if name == "write" and '"acknowledged"' in text:
        return "acknowledge"
    if "store.db-wal" in text and name in {"pwrite64", "fsync", "fdatasync"}:
        return "write" if name == "pwrite64" else "sync" if text.endswith("= 0") else "failed sync"
    return ""


def test_the_log_is_synced_before_the_answer_leaves(tmp_path: Path) -> None:
    calls = "trace=write,pwrite64,fsync,fdatasync"
    child = [sys.executable, "-m", "tests.storage.durability_child", str(tmp_path / "store.db")]
    trace = tmp_path / "trace"
    subprocess.run(
        ["strace", "-f", "-y", "-o", trace, "-e", calls, *child], check=True, capture_output=True, timeout=60
    )
    labels = [found for name, text in completed_calls(trace.read_text()) if (found := label(name, text))]
    steps = re.findall(r"begin (.*?)acknowledge", " ".join(labels))
    assert len(steps) == 5
    for step in steps:
        assert re.fullmatch(r"(sync )?(write )+sync ", step), step
