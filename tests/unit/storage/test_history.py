from __future__ import annotations

from dataclasses import dataclass

import pytest

from knarr.storage.history import History
from knarr.storage.store import CompactedError


@dataclass(frozen=True)
class Happened:
    revision: int


def history(*revisions: int) -> History[Happened]:
    made: History[Happened] = History(floor=0)
    made.extend([Happened(revision) for revision in revisions])
    return made


def revisions(made: History[Happened], after: int) -> list[int]:
    return [item.revision for item in made.after(after)]


@pytest.mark.parametrize(
    ("after", "expected"),
    [(0, [2, 2, 3, 5]), (1, [2, 2, 3, 5]), (2, [3, 5]), (4, [5]), (5, []), (9, [])],
)
def test_after(after: int, expected: list[int]) -> None:
    assert revisions(history(2, 2, 3, 5), after) == expected


def test_what_is_forgotten_cannot_be_had() -> None:
    made = history(1, 2, 3)
    made.forget(2)
    made.forget(1)
    assert (made.floor, revisions(made, 2)) == (2, [3])
    with pytest.raises(CompactedError):
        made.after(1)


def test_trimming_never_parts_a_revision() -> None:
    made = history(1, 1, 1, 2, 2, 2, 3, 3, 3)
    made.trim(keep=4)
    assert (made.floor, revisions(made, 2)) == (2, [3, 3, 3])


def test_trimming_waits_for_an_eighth() -> None:
    made = history(*range(1, 18))
    made.trim(keep=16)
    assert len(made) == 17
    made.extend([Happened(18), Happened(19)])
    made.trim(keep=16)
    assert (len(made), made.floor) == (16, 3)


@dataclass(frozen=True)
class Heavy(Happened):
    weight: int


@pytest.mark.parametrize(
    ("weights", "kept"),
    [
        pytest.param([8, 8, 8], [1, 2, 3], id="light enough"),
        pytest.param([8, 8, 9], [1, 2, 3], id="an eighth over"),
        pytest.param([8, 8, 12], [2, 3], id="the oldest goes"),
        pytest.param([8, 8, 24], [3], id="all but the newest go"),
        pytest.param([8, 8, 99], [3], id="the newest stays, however heavy"),
    ],
)
def test_trimming_by_weight(weights: list[int], kept: list[int]) -> None:
    made: History[Heavy] = History(0, lambda item: item.weight)
    made.extend([Heavy(revision, weight) for revision, weight in enumerate(weights, 1)])
    made.trim(100, 24)
    assert [item.revision for item in made.after(made.floor)] == kept
    assert made.weight == sum(weights[-len(kept) :])
    assert made.floor == kept[0] - 1
