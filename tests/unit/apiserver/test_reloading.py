"""Files of configuration that change while they are in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from knarr.apiserver.configfiles import ConfigFileError
from knarr.apiserver.metrics import Metrics
from knarr.apiserver.reloading import Reloaded
from knarr.machinery.clock import VirtualClock


class Followed:
    """What was applied of a file, which is looked at when a test says so."""

    def __init__(self, file: Path) -> None:
        self.clock, self.metrics, self.applied = VirtualClock(), Metrics(), list[bytes]()
        self._file = Reloaded(file, self._apply, "authorization", self.metrics, self.clock)

    async def look(self, after: float = 1.0) -> None:
        await self.clock.advance(after)
        self._file.look()

    @property
    def reloads(self) -> list[str]:
        prefix = "apiserver_authorization_config_controller_automatic_reloads_total"
        return [line.partition('status="')[2] for line in self.metrics.lines() if line.startswith(f"{prefix}{{")]

    def _apply(self, text: bytes) -> None:
        if text == b"wrong":
            raise ConfigFileError("it is wrong")
        self.applied.append(text)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "config"
    file.write_bytes(b"first")
    return file


@pytest.fixture
def followed(file: Path) -> Followed:
    return Followed(file)


async def test_a_change_is_applied_once(file: Path, followed: Followed) -> None:
    await followed.look()
    file.write_bytes(b"second one")
    await followed.look()
    await followed.look()
    assert (followed.applied, followed.reloads) == ([b"second one"], ['success"} 1'])


async def test_it_is_not_looked_at_all_the_time(file: Path, followed: Followed) -> None:
    file.write_bytes(b"second one")
    await followed.look(after=0.5)
    assert followed.applied == []
    await followed.look(after=0.5)
    assert followed.applied == [b"second one"]


async def test_the_same_again_is_no_change(file: Path, followed: Followed) -> None:
    file.unlink()
    file.write_bytes(b"first")
    await followed.look()
    assert (followed.applied, followed.reloads) == ([], [])


@pytest.mark.parametrize("text", [pytest.param(b"wrong", id="wrong"), pytest.param(None, id="gone")])
async def test_what_cannot_be_used_changes_nothing(
    file: Path, followed: Followed, text: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    file.unlink()
    if text is not None:
        file.write_bytes(text)
    await followed.look()
    await followed.look()
    assert (followed.applied, followed.reloads) == ([], ['failure"} 1'])
    assert [record.message.partition(": ")[0] for record in caplog.records] == [
        "the authorization configuration stays as it was"
    ]
    file.write_bytes(b"better now")
    await followed.look()
    assert followed.applied == [b"better now"]
