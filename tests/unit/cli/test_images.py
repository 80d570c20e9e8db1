"""Which cluster is meant may be said before the action and behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from knarr.cli.parsing import parse


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["images", "--data-dir", "/c", "load", "x.tar"], id="before"),
        pytest.param(["images", "load", "x.tar", "--data-dir", "/c"], id="behind"),
        pytest.param(["images", "--data-dir", "/other", "list", "--data-dir", "/c"], id="the-last-counts"),
    ],
)
def test_the_cluster_of_an_action(words: list[str]) -> None:
    assert parse(words).data_dir == Path("/c")
