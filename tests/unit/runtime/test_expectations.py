"""Whether a controller may trust its cache yet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from knarr.machinery.clock import VirtualClock
from knarr.runtime.expectations import Expectations

Step = Callable[[Expectations], None]


@pytest.mark.parametrize(
    ("steps", "satisfied"),
    [
        pytest.param([], True, id="nothing asked"),
        pytest.param([lambda e: e.expect("k", creations=2)], False, id="asked"),
        pytest.param([lambda e: e.expect("k", creations=2), lambda e: e.created("k")], False, id="half seen"),
        pytest.param([lambda e: e.expect("k", creations=2), lambda e: e.created("k", 2)], True, id="seen"),
        pytest.param([lambda e: e.expect("k", deletions={"a"}), lambda e: e.created("k")], False, id="another event"),
        pytest.param([lambda e: e.expect("k", deletions={"a"}), lambda e: e.deleted("k", "a")], True, id="deleted"),
        pytest.param(
            [lambda e: e.expect("k", deletions={"a"}), lambda e: e.deleted("k", "b")], False, id="another uid"
        ),
        pytest.param([lambda e: e.expect("k", creations=1), lambda e: e.forget("k")], True, id="forgotten"),
        pytest.param([lambda e: e.created("k")], True, id="unasked"),
    ],
)
def test_satisfied(steps: list[Step], satisfied: bool) -> None:
    expectations = Expectations(VirtualClock())
    for step in steps:
        step(expectations)
    assert expectations.satisfied("k") is satisfied


async def test_an_expectation_is_not_waited_for_for_ever() -> None:
    clock = VirtualClock()
    expectations = Expectations(clock)
    expectations.expect("k", creations=1)
    await clock.advance(301)
    assert expectations.satisfied("k")
