"""The sandbox's program: it sleeps, shrugs off what does not concern it, and ends when told."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from knarr.cluster import pause

pytestmark = pytest.mark.skipif(
    os.uname().machine != "x86_64", reason="the program is x86-64 code; elsewhere an image is pulled"
)


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    program = tmp_path / "pause"
    program.write_bytes(pause.program())
    program.chmod(0o700)
    with subprocess.Popen([program]) as process:
        while not _waits(process.pid):
            assert process.poll() is None
        yield process
        process.kill()


def _waits(pid: int) -> bool:
    """Whether the program has come to its last system call, rt_sigtimedwait."""
    return Path(f"/proc/{pid}/syscall").read_text().startswith("128 ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_cleanly_on(sleeper: subprocess.Popen[bytes], number: signal.Signals) -> None:
    sleeper.send_signal(number)
    assert sleeper.wait(5) == 0


def test_goes_on_after_a_stop(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.send_signal(signal.SIGSTOP)
    sleeper.send_signal(signal.SIGCONT)
    with pytest.raises(subprocess.TimeoutExpired):
        sleeper.wait(0.1)


def test_archive_is_an_oci_layout_whose_digests_hold() -> None:
    with tarfile.open(fileobj=io.BytesIO(pause.archive())) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    index = json.loads(files["index.json"])
    assert index["manifests"][0]["annotations"] == {"io.containerd.image.name": pause.BUILT_IN}
    manifest = json.loads(files[_blob(index["manifests"][0])])
    layer = files[_blob(manifest["layers"][0])]
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert tar.extractfile("pause").read() == pause.program()  # type: ignore[union-attr]


def _blob(descriptor: dict[str, str]) -> str:
    return f"blobs/{descriptor['digest'].replace(':', '/')}"
