from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from tests.api.harness import TABLE, Server
from tests.api.objects import CONFIG_MAPS, PODS, config_map, pod

JOBS = "/apis/batch/v1/namespaces/default/jobs"
BAD_TOKEN = "invalid continue token: continue key is not valid:"
NOT_KNOWN = '"spec.foo" is not a known field selector: only "metadata.name", "metadata.namespace"'
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


def token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


async def _five(server: Server) -> list[Any]:
    return [
        (await server.post(CONFIG_MAPS, config_map(name, {"n": str(n), "odd": str(n % 2)}))).body
        for n, name in enumerate("abcde")
    ]


def _names(answer: Any) -> list[str]:
    return [item["metadata"]["name"] for item in answer.body["items"]]


async def test_a_list_holds_the_objects_as_they_are_got(server: Server) -> None:
    objects = await _five(server)
    answer = await server.get(CONFIG_MAPS)
    assert answer.body == {
        "kind": "ConfigMapList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": str(server.cache.revision)},
        "items": objects,
    }
    assert (await server.get("/api/v1/configmaps")).body["items"] == objects


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param({"labelSelector": "odd=1"}, ["b", "d"], id="equal"),
        pytest.param({"labelSelector": "odd!=1"}, ["a", "c", "e"], id="not equal"),
        pytest.param({"labelSelector": "n in (1,4),odd=0"}, ["e"], id="set"),
        pytest.param({"labelSelector": "!n"}, [], id="absent"),
        pytest.param({"fieldSelector": "metadata.name=c"}, ["c"], id="name"),
        pytest.param({"fieldSelector": "metadata.name!=c,metadata.namespace=default"}, list("abde"), id="fields"),
        pytest.param({"labelSelector": "odd=0", "limit": "2"}, ["a", "c"], id="limit"),
    ],
)
async def test_selectors(server: Server, query: dict[str, str], names: list[str]) -> None:
    await _five(server)
    assert _names(await server.get(CONFIG_MAPS, **query)) == names


async def test_pages_show_one_moment(server: Server) -> None:
    await _five(server)
    first = await server.get(CONFIG_MAPS, limit="2")
    assert (_names(first), first.body["metadata"]["remainingItemCount"]) == (["a", "b"], 3)
    await server.delete(f"{CONFIG_MAPS}/c")
    await server.post(CONFIG_MAPS, config_map("bb"))
    second = await server.get(CONFIG_MAPS, limit="2", **{"continue": first.body["metadata"]["continue"]})
    assert (_names(second), second.body["metadata"]["remainingItemCount"]) == (["c", "d"], 1)
    assert second.body["metadata"]["resourceVersion"] == first.body["metadata"]["resourceVersion"]
    third = await server.get(CONFIG_MAPS, limit="2", **{"continue": second.body["metadata"]["continue"]})
    assert (_names(third), third.body["metadata"].keys()) == (["e"], {"resourceVersion"})


async def test_pages_of_a_selection(server: Server) -> None:
    await _five(server)
    first = await server.get(CONFIG_MAPS, limit="1", labelSelector="odd=1")
    assert (_names(first), first.body["metadata"].keys()) == (["b"], {"resourceVersion", "continue"})
    token = first.body["metadata"]["continue"]
    second = await server.get(CONFIG_MAPS, limit="1", labelSelector="odd=1", **{"continue": token})
    assert _names(second) == ["d"]


async def test_a_page_of_a_compacted_moment_has_expired(server: Server) -> None:
    await _five(server)
    token = (await server.get(CONFIG_MAPS, limit="2")).body["metadata"]["continue"]
    await server.delete(f"{CONFIG_MAPS}/a")
    await server.store.compact(server.cache.revision)
    expired = await server.get(CONFIG_MAPS, limit="2", **{"continue": token})
    assert (expired.status, expired.body["reason"]) == (410, "Expired")
    assert expired.body["message"].startswith("The provided continue parameter is too old")
    rest = await server.get(CONFIG_MAPS, **{"continue": expired.body["metadata"]["continue"]})
    assert _names(rest) == ["c", "d", "e"]


async def test_exact_versions(server: Server) -> None:
    objects = await _five(server)
    revision = objects[1]["metadata"]["resourceVersion"]
    exact = await server.get(CONFIG_MAPS, resourceVersion=revision, resourceVersionMatch="Exact")
    assert (_names(exact), exact.body["metadata"]) == (["a", "b"], {"resourceVersion": revision})
    newer = await server.get(CONFIG_MAPS, resourceVersion=revision, resourceVersionMatch="NotOlderThan")
    assert _names(newer) == list("abcde")
    await server.store.compact(server.cache.revision)
    gone = await server.get(CONFIG_MAPS, resourceVersion=revision, resourceVersionMatch="Exact")
    assert (gone.status, gone.body["reason"]) == (410, "Expired")


async def test_pages_of_a_version_that_is_named_show_it(server: Server) -> None:
    revision = (await _five(server))[3]["metadata"]["resourceVersion"]
    first = await server.get(CONFIG_MAPS, resourceVersion=revision, limit="3")
    assert (_names(first), first.body["metadata"]["resourceVersion"]) == (list("abc"), revision)
    assert first.body["metadata"]["remainingItemCount"] == 1
    newer = await server.get(CONFIG_MAPS, resourceVersion=revision, resourceVersionMatch="NotOlderThan", limit="3")
    assert newer.body["metadata"]["remainingItemCount"] == 2
    any_version = await server.get(CONFIG_MAPS, resourceVersion="0", limit="3")
    assert _names(any_version) == list("abcde")


@pytest.mark.parametrize("path", [CONFIG_MAPS, f"{CONFIG_MAPS}/a"], ids=["list", "get"])
async def test_a_version_of_the_future_is_waited_for_in_vain(server: Server, path: str) -> None:
    await _five(server)
    asked = asyncio.ensure_future(server.get(path, resourceVersion="1000"))
    await server.clock.advance(3)
    answer = await asked
    assert (answer.status, answer.body["reason"]) == (504, "Timeout")
    assert answer.body["message"] == f"Timeout: Too large resource version: 1000, current: {server.cache.revision}"
    assert answer.body["details"] == {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        pytest.param({"labelSelector": "a in b"}, 400, "unable to parse requirement", id="labels"),
        pytest.param({"limit": "many"}, 400, "unable to convert query parameter limit", id="limit"),
        pytest.param(
            {"continue": "!!"},
            400,
            "invalid continue token: continue key is not valid: illegal base64 data at input byte 0",
            id="continue",
        ),
        pytest.param({"resourceVersion": "x"}, 422, 'resourceVersion: Invalid value: "x"', id="resourceVersion"),
        pytest.param(
            {"resourceVersionMatch": "Exact"},
            422,
            'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: '
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
            id="match without version",
        ),
        pytest.param(
            {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
            422,
            'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
            id="exactly anything",
        ),
        pytest.param(
            {"resourceVersionMatch": "Newest", "resourceVersion": "1"},
            422,
            'Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
            id="unknown match",
        ),
        pytest.param({"continue": "x", "resourceVersion": "2"}, 400, "specifying resource version is not", id="both"),
        pytest.param(
            {"sendInitialEvents": "true"}, 422, "sendInitialEvents is forbidden for list", id="initial events"
        ),
    ],
)
async def test_refused(server: Server, query: dict[str, str], code: int, message: str) -> None:
    answer = await server.get(CONFIG_MAPS, **query)
    assert answer.status == code
    assert message in answer.body["message"]


async def test_tables(server: Server) -> None:
    await server.post(PODS, pod())
    table = (await server.get(PODS, accept=TABLE)).body
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert table["metadata"] == {"resourceVersion": str(server.cache.revision)}
    names = [column["name"] for column in table["columnDefinitions"] if not column["priority"]]
    assert names == ["Name", "Ready", "Status", "Restarts", "Age"]
    (row,) = table["rows"]
    assert row["cells"][:3] == ["p", "0/1", "Pending"]
    assert row["object"].keys() == {"kind", "apiVersion", "metadata"}


@pytest.mark.parametrize(
    ("include", "keys"),
    [
        pytest.param("None", None, id="none"),
        pytest.param("Metadata", {"kind", "apiVersion", "metadata"}, id="metadata"),
        pytest.param("Object", {"kind", "apiVersion", "metadata", "data"}, id="object"),
    ],
)
async def test_what_rows_carry(server: Server, include: str, keys: set[str] | None) -> None:
    await server.post(CONFIG_MAPS, config_map(a="b"))
    for path in (CONFIG_MAPS, f"{CONFIG_MAPS}/cm"):
        (row,) = (await server.get(path, accept=TABLE, includeObject=include)).body["rows"]
        assert (row["object"].keys() if "object" in row else None) == keys


async def test_others_are_served_while_a_long_table_is_made(server: Server) -> None:
    for n in range(120):
        await server.post(CONFIG_MAPS, config_map(f"cm-{n:03}"))
    served = 0

    async def other() -> None:
        nonlocal served
        while True:
            served += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(other())
    table = (await server.get(CONFIG_MAPS, accept=TABLE)).body
    others.cancel()
    assert [row["cells"][0] for row in table["rows"]] == [f"cm-{n:03}" for n in range(120)]
    assert len({row["object"]["metadata"]["resourceVersion"] for row in table["rows"]}) == 120
    assert served >= 3


async def test_what_rows_may_not_carry(server: Server) -> None:
    refused = await server.get(CONFIG_MAPS, accept=TABLE, includeObject="All")
    assert (refused.status, refused.body["reason"], refused.body["message"]) == (
        400,
        "BadRequest",
        'TableOptions.meta.k8s.io "" is invalid: includeObject: Invalid value: "All": '
        "must be 'Metadata', 'Object', 'None', or empty",
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param(PODS, "field label not supported: spec.foo", id="pods"),
        pytest.param(JOBS, 'field label "spec.foo" not supported for Job', id="jobs"),
    ],
)
async def test_kinds_with_fields_of_their_own_word_it_otherwise(server: Server, path: str, message: str) -> None:
    refused = await server.get(path, fieldSelector="spec.foo=x")
    assert (refused.status, refused.body["message"]) == (400, message)


async def test_metadata_alone(server: Server) -> None:
    made = (await server.post(CONFIG_MAPS, config_map())).body
    one = (await server.get(f"{CONFIG_MAPS}/cm", accept=PARTIAL)).body
    expected = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": made["metadata"]}
    assert one == expected
    many = (await server.get(CONFIG_MAPS, accept=PARTIAL_LIST)).body
    assert (many["kind"], many["items"]) == ("PartialObjectMetadataList", [expected])


async def test_a_view_that_is_not_offered_falls_back_to_the_next_choice(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map())
    answer = await server.get(CONFIG_MAPS, accept=f"{PARTIAL},application/yaml;q=0.5,application/json;q=0.9")
    assert answer.body["kind"] == "ConfigMapList"
    refused = await server.get(CONFIG_MAPS, accept=PARTIAL)
    assert refused.status == 406
