"""What becomes of an object, by the state of its owners."""

from __future__ import annotations

import pytest

from knarr.client.objects import Meta, OwnerReference
from knarr.controllers.garbage.verdicts import Delete, Keep, Standing, verdict

SOLID, UNKNOWN, WAITING, ABSENT = Standing.SOLID, Standing.UNKNOWN, Standing.WAITING, Standing.ABSENT


def ref(number: int) -> OwnerReference:
    return OwnerReference(uid=str(number))


@pytest.mark.parametrize(
    ("standings", "dependents", "finalizer", "expected"),
    [
        pytest.param([], False, "", Keep(), id="nobody's"),
        pytest.param([SOLID], False, "", Keep(), id="owned"),
        pytest.param([ABSENT], False, "", Delete("Background"), id="all gone"),
        pytest.param([ABSENT, SOLID], False, "", Keep((ref(0),)), id="one left"),
        pytest.param([WAITING, SOLID], True, "", Keep((ref(0),)), id="held back by nobody"),
        pytest.param([UNKNOWN], False, "", Keep(), id="in doubt"),
        pytest.param([WAITING], False, "", Delete("Background"), id="waited for"),
        pytest.param([WAITING], True, "", Delete("Foreground"), id="waited for with all below"),
        pytest.param([ABSENT], True, "", Delete("Background"), id="nobody waits"),
        pytest.param([ABSENT], False, "orphan", Delete("Orphan"), id="wants to let go"),
        pytest.param([ABSENT], False, "foregroundDeletion", Delete("Foreground"), id="wants to wait"),
    ],
)
def test_verdict(standings: list[Standing], dependents: bool, finalizer: str, expected: Keep | Delete) -> None:
    owners = [(ref(number), standing) for number, standing in enumerate(standings)]
    assert verdict(Meta(finalizers=(finalizer,)), owners, dependents) == expected
