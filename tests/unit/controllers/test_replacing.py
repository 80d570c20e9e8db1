"""Replacing objects: what is not ours stays, and others may be faster."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.client.resources import JOBS, REPLICA_SETS, Resource
from knarr.controllers.replacing import ATTEMPTS, replace
from knarr.machinery.errors import Conflict, NotFound
from tests.unit.fake_api import FakeAPI

STATUS = {"status": {"replicas": 2, "gone": None}}


def api_with(resource: Resource, **content: Any) -> FakeAPI:
    api = FakeAPI()
    api.put(resource.path("default", "web"), {"metadata": {"uid": "u"}, **content})
    return api


async def change(api: FakeAPI, patch: JSON, resource: Resource = REPLICA_SETS) -> JSON:
    return await replace(Client(api), resource, "web", patch, "default", subresource="status", view=dict)


async def test_what_the_change_does_not_name_stays() -> None:
    api = api_with(JOBS, future={"a": 1}, status={"gone": 1, "other": 2})
    changed = await change(api, STATUS, JOBS)
    assert (changed["future"], changed["status"]) == ({"a": 1}, {"other": 2, "replicas": 2})
    assert [(method, path) for method, path, _ in api.requests] == [("PUT", f"{JOBS.path('default', 'web')}/status")]


@pytest.mark.parametrize(
    ("metadata", "lost", "tries"),
    [
        pytest.param({}, 1, 2, id="tried again where another was faster"),
        pytest.param({"uid": "u"}, ATTEMPTS - 1, ATTEMPTS, id="so often"),
        pytest.param({}, ATTEMPTS, ATTEMPTS, id="and no more"),
        pytest.param({"resourceVersion": "1"}, 1, 1, id="one version: one try"),
        pytest.param({"uid": "of another"}, 1, 1, id="another object: one try"),
    ],
)
async def test_others_may_be_faster(metadata: JSON, lost: int, tries: int) -> None:
    api = api_with(REPLICA_SETS)
    api.fail("PUT", "/web", Conflict("too late"), lost)
    try:
        await change(api, {"metadata": metadata, **STATUS})
    except Conflict:
        assert lost == tries
    assert len(api.requests) == tries


async def test_what_is_not_there_is_not_made() -> None:
    with pytest.raises(NotFound):
        await change(FakeAPI(), STATUS)
