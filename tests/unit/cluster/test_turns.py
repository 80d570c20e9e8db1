"""Commands that start or stop one cluster take turns."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from knarr.cluster.errors import UserError
from knarr.cluster.turns import turn


def test_a_folder_left_empty_goes_and_one_in_use_stays(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with turn(run):
        pass
    assert not run.exists()
    with turn(run):
        (run / "supervisor.pid").touch()
    assert run.exists()


def test_the_next_waits_although_the_folder_was_removed_meanwhile(tmp_path: Path) -> None:
    run, order = tmp_path / "run", list[str]()

    def second() -> None:
        with turn(run):
            order.append("second" if run.exists() else "second without a folder")

    others = [threading.Thread(target=second) for _ in range(2)]
    with turn(run):
        others[0].start()
        order.append("first")
        run.rmdir()
    others[1].start()
    for thread in others:
        thread.join(10)
    assert order == ["first", "second", "second"]


def test_where_no_folder_can_be_made_the_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/run cannot be used: Not a directory"), turn(tmp_path / "file" / "run"):
        pass
