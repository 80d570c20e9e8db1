"""Discovery and OpenAPI of an aggregated API: listed with our own, stale when its server is gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from knarr.wire.messages import Request, Response
from tests.api.backends import GROUP, PATH, VERSION, Backend, discovery, json_of, openapi
from tests.api.front import Running
from tests.kubectl import installed

JSON = dict[str, Any]
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


async def register(front: Running, wardle: Backend, **spec: Any) -> None:
    await front.post("/api/v1/namespaces/default/services", wardle.service())
    await front.post("/apis/apiregistration.k8s.io/v1/apiservices", wardle.registration(**spec))


async def get(front: Running, path: str, accept: str = "application/json") -> Any:
    answer = await front.admin.request(Request("GET", path, "", {"accept": accept}))
    assert isinstance(answer, Response)
    return json.loads(answer.body)


async def until(front: Running, path: str, accept: str, holds: Callable[[Any], Any]) -> Any:
    """The document, once it is as expected."""
    async with asyncio.timeout(10):
        while not holds(found := await get(front, path, accept)):
            await asyncio.sleep(0.01)
    return found


def entry(document: JSON) -> JSON | None:
    """The backend's version in aggregated discovery."""
    groups = {item["metadata"].get("name", ""): item["versions"] for item in document["items"]}
    return next((v for v in groups.get(GROUP, ()) if v["version"] == VERSION), None)


def is_current(document: JSON) -> bool:
    found = entry(document)
    return found is not None and found["freshness"] == "Current"


@pytest.mark.parametrize("legacy", [False, True], ids=["aggregated", "legacy"])
async def test_discovery_lists_it(front: Running, wardle: Backend, legacy: bool) -> None:
    if not legacy:
        wardle.answers["/apis"] = json_of(discovery())
    await register(front, wardle)
    document = await until(front, "/apis", AGGREGATED, is_current)
    found = entry(document)
    assert found is not None
    flunders = found["resources"][0]
    assert (flunders["resource"], flunders["scope"], flunders["shortNames"]) == ("flunders", "Namespaced", ["fl"])
    assert flunders["responseKind"] == {"group": GROUP, "version": VERSION, "kind": "Flunder"}
    assert [sub["subresource"] for sub in flunders.get("subresources", ())] == (["status"] if legacy else [])
    groups = (await get(front, "/apis"))["groups"]
    version = {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
    assert {"name": GROUP, "versions": [version], "preferredVersion": version} in groups
    assert (await get(front, f"/apis/{GROUP}"))["preferredVersion"] == version
    assert (await get(front, PATH))["resources"][0]["name"] == "flunders"


async def test_priorities_decide_the_order(front: Running, wardle: Backend) -> None:
    await register(front, wardle, groupPriorityMinimum=17_450)
    found = await until(front, "/apis", "application/json", lambda d: GROUP in str(d["groups"]))
    names = [group["name"] for group in found["groups"]]
    assert names.index("autoscaling") < names.index(GROUP) < names.index("batch")
    assert names[0] == "apiregistration.k8s.io"


async def test_what_is_gone_is_stale(front: Running, wardle: Backend) -> None:
    await register(front, wardle)
    await until(front, "/apis", AGGREGATED, is_current)
    await front.admin.request(Request("DELETE", "/api/v1/namespaces/default/services/wardle"))
    document = await until(front, "/apis", AGGREGATED, lambda d: not is_current(d))
    found = entry(document)
    assert found is not None
    assert (found["freshness"], found["resources"][0]["resource"]) == ("Stale", "flunders")
    await front.admin.request(Request("DELETE", f"/apis/apiregistration.k8s.io/v1/apiservices/{VERSION}.{GROUP}"))
    assert entry(await get(front, "/apis", AGGREGATED)) is None


async def test_openapi_three_is_listed_and_passed_on(front: Running, wardle: Backend) -> None:
    url = f"/openapi/v3{PATH}?hash=ABC"
    wardle.answers["/openapi/v3"] = json_of({"paths": {PATH.strip("/"): {"serverRelativeURL": url}}})
    wardle.answers[f"/openapi/v3{PATH}"] = json_of({"openapi": "3.0.0", "paths": {}})
    await register(front, wardle)
    listed = await until(front, "/openapi/v3", "application/json", lambda d: PATH.strip("/") in d["paths"])
    assert listed["paths"][PATH.strip("/")] == {"serverRelativeURL": url}
    assert "api/v1" in listed["paths"]
    assert (await get(front, f"/openapi/v3{PATH}"))["openapi"] == "3.0.0"


async def test_openapi_three_is_made_of_two_where_there_is_none(front: Running, wardle: Backend) -> None:
    wardle.answers["/openapi/v2"] = json_of(openapi())
    await register(front, wardle)
    listed = await until(front, "/openapi/v3", "application/json", lambda d: PATH.strip("/") in d["paths"])
    url = listed["paths"][PATH.strip("/")]["serverRelativeURL"]
    assert url.startswith(f"/openapi/v3{PATH}?hash=")
    found = await get(front, f"/openapi/v3{PATH}")
    operation = found["paths"][f"{PATH}/flunders"]["get"]
    assert operation["parameters"] == [
        {"name": "limit", "in": "query", "description": "how many", "schema": {"type": "integer"}}
    ]
    content = operation["responses"]["200"]["content"]["application/json"]
    assert content == {"schema": {"$ref": "#/components/schemas/example.Flunder"}}
    schemas = found["components"]["schemas"]
    reference = {"$ref": "#/components/schemas/io.k8s.api.core.v1.Pod"}
    assert schemas["example.Flunder"]["properties"]["metadata"] == reference
    kubectl = front.kubectl(installed()[-1], front.authority.issue("kubernetes-admin", "system:masters"))
    explained = await asyncio.to_thread(kubectl, "explain", "flunder.size")
    assert "How large the flunder is." in explained


async def test_openapi_two_is_merged(front: Running, wardle: Backend) -> None:
    wardle.answers["/openapi/v2"] = json_of(openapi())
    await register(front, wardle)
    found = await until(front, "/openapi/v2", "application/json", lambda d: f"{PATH}/flunders" in d["paths"])
    definitions = found["definitions"]
    assert definitions["io.k8s.api.core.v1.Pod"]["type"] == "object"
    assert definitions["io.k8s.api.core.v1.Pod_v2"]["description"] == "another Pod"
    metadata = definitions["example.Flunder"]["properties"]["metadata"]
    assert metadata == {"$ref": "#/definitions/io.k8s.api.core.v1.Pod_v2"}
    assert "example.Unused" not in definitions
    assert found["paths"]["/apis/apps/v1/deployments"]["get"]["responses"]["200"]["schema"] != {
        "$ref": "#/definitions/example.Flunder"
    }


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Response(200, body=b"nonsense"), id="no JSON"),
        pytest.param(json_of({"paths": {f"{PATH}/x": 7}, "definitions": []}), id="no paths"),
        pytest.param(json_of({"paths": {f"{PATH}/x": {"get": {"parameters": 5}}}}), id="no parameters"),
        pytest.param(json_of({"items": 5, "kind": "APIGroupDiscoveryList"}), id="no items"),
    ],
)
async def test_documents_that_make_no_sense_do_no_harm(front: Running, wardle: Backend, answer: Response) -> None:
    wardle.answers |= {"/openapi/v2": answer, "/openapi/v3": answer, "/apis": answer}
    await register(front, wardle)
    await until(front, "/apis", AGGREGATED, is_current)  # by the older form
    assert f"{PATH}/x" not in (await get(front, "/openapi/v2"))["paths"]
    assert "api/v1" in (await get(front, "/openapi/v3"))["paths"]


async def test_kubectl_finds_it(front: Running, wardle: Backend) -> None:
    await register(front, wardle)
    await until(front, "/apis", AGGREGATED, is_current)
    kubectl = front.kubectl(installed()[-1], front.authority.issue("kubernetes-admin", "system:masters"))
    resources = await asyncio.to_thread(kubectl, "api-resources", "--api-group", GROUP, "-o", "name")
    assert resources.split() == [f"flunders.{GROUP}"]
    failed = await asyncio.to_thread(kubectl.run, "get", "fl")
    assert failed.stderr.strip().endswith("No resources found in default namespace.")
