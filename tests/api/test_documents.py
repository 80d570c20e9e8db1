"""Discovery and OpenAPI: in which form they are answered, what may be kept, and what is said of what there is not."""

from __future__ import annotations

import gzip
import json

import pytest
import yaml

from knarr.api import protobuf
from knarr.wire.messages import Request, Response
from tests.api.definitions import CRDS, GROUP, definition
from tests.api.front import Running

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
AGGREGATED = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
OLDER = "g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
OPENAPI_TWO = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
OPENAPI_THREE = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf"


async def ask(front: Running, path: str, method: str = "GET", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await front.admin.request(Request(method, path, "", named))


@pytest.mark.parametrize(
    ("path", "accept", "answered"),
    [
        pytest.param("/apis", "", JSON, id="nothing asked for"),
        pytest.param("/apis/", "*/*", JSON, id="anything"),
        pytest.param("/api", f"{JSON};{AGGREGATED},{JSON}", f"{JSON};{AGGREGATED}", id="aggregated"),
        pytest.param("/apis", f"{JSON};{OLDER}", f"{JSON};{OLDER}", id="aggregated, as it was"),
        pytest.param("/apis", f"{YAML};{AGGREGATED}", f"{YAML};{AGGREGATED}", id="aggregated in YAML"),
        pytest.param("/apis", f"{JSON};{AGGREGATED};q=0.5,{JSON}", JSON, id="plain rather"),
        pytest.param("/apis", f"{JSON};q=0.9,{JSON};{AGGREGATED}", f"{JSON};{AGGREGATED}", id="aggregated rather"),
        pytest.param("/apis", f"{PROTOBUF};{AGGREGATED},{PROTOBUF}", PROTOBUF, id="aggregated is no protobuf"),
        pytest.param("/apis/apps", f"{JSON};{AGGREGATED},{YAML}", YAML, id="one group is not aggregated"),
        pytest.param("/api/v1/", PROTOBUF, PROTOBUF, id="resources in protobuf"),
        pytest.param("/openapi/v2", f"{OPENAPI_TWO};q=0.5,{JSON}", JSON, id="OpenAPI in JSON rather"),
        pytest.param("/openapi/v2", OPENAPI_TWO, OPENAPI_TWO.replace("@", "."), id="OpenAPI in protobuf"),
        pytest.param("/openapi/v3/api/v1", f"{OPENAPI_THREE},{JSON}", JSON, id="OpenAPI 3 is JSON"),
    ],
)
async def test_the_form_is_the_clients_choice(front: Running, path: str, accept: str, answered: str) -> None:
    answer = await ask(front, path, **({"accept": accept} if accept else {}))
    assert (answer.status, answer.headers["content-type"]) == (200, answered)


@pytest.mark.parametrize("path", ["/api", "/apis/apps/v1", "/openapi/v2", "/openapi/v3/api/v1"])
async def test_no_other_form_is_offered(front: Running, path: str) -> None:
    answer = await ask(front, path, accept="text/html")
    assert (answer.status, json.loads(answer.body)["reason"]) == (406, "NotAcceptable")


async def test_all_forms_say_the_same(front: Running) -> None:
    told = json.loads((await ask(front, "/api/v1")).body)
    assert yaml.safe_load((await ask(front, "/api/v1", accept=YAML)).body) == told
    assert protobuf.decode((await ask(front, "/api/v1", accept=PROTOBUF)).body) == told


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/apis", f"{JSON};{AGGREGATED}"),
        ("/apis", JSON),
        ("/openapi/v2", OPENAPI_TWO),
        ("/openapi/v2", JSON),
        ("/openapi/v3", JSON),
        ("/openapi/v3/apis/apps/v1", JSON),
    ],
)
async def test_what_has_not_changed_is_not_sent_again(front: Running, path: str, accept: str) -> None:
    first = await ask(front, path, accept=accept)
    again = await ask(front, path, accept=accept, if_none_match=first.headers["etag"])
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert "Accept" in first.headers["vary"]
    weak = await ask(front, path, accept=accept, if_none_match=f'"other", W/{first.headers["etag"]}')
    assert weak.status == 304
    assert (await ask(front, path, accept=accept, if_none_match='"other"')).body == first.body


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip", "gzip"), ("br, gzip;q=0.5", "gzip"), ("gzip;q=0", None), ("identity", None), ("", None)],
)
async def test_openapi_is_packed_for_who_wants_that(front: Running, accepted: str, encoding: str | None) -> None:
    answer = await ask(front, "/openapi/v3/apis/apps/v1", accept_encoding=accepted)
    assert answer.headers.get("content-encoding") == encoding
    assert json.loads(gzip.decompress(answer.body) if encoding else answer.body)["openapi"] == "3.0.0"


async def test_discovery_says_where_the_server_is(front: Running) -> None:
    assert json.loads((await ask(front, "/api")).body) == {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}],
    }


async def test_aggregated_discovery_may_be_kept(front: Running) -> None:
    assert (await ask(front, "/apis", accept=f"{JSON};{AGGREGATED}")).headers["cache-control"] == "public"
    assert (await ask(front, "/apis")).headers["cache-control"] == "no-cache, private"


PLAIN, STATUS = b"404 page not found\n", "the server could not find the requested resource"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("/nowhere", PLAIN, id="path"),
        pytest.param("/apis/none.example.com", PLAIN, id="group"),
        pytest.param("/apis/none.example.com/v1/things", PLAIN, id="resource of an unknown group"),
        pytest.param(f"/apis/{GROUP}/v1/things", PLAIN, id="resource of a custom group"),
        pytest.param("/apis/apps/v1/things", STATUS, id="resource of a known group"),
        pytest.param("/apis/apps/v9/deployments", STATUS, id="resource of an unknown version"),
        pytest.param("/api/v1/namespaces/default/pods/p/nothing", STATUS, id="subresource"),
    ],
)
async def test_who_knows_the_path_says_so(front: Running, path: str, said: bytes | str) -> None:
    await front.post(CRDS, definition())
    answer = await ask(front, path)
    assert answer.status == 404
    assert (answer.body if isinstance(said, bytes) else json.loads(answer.body)["message"]) == said


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/apis"),
        ("DELETE", "/openapi/v2"),
        ("OPTIONS", "/api/v1/namespaces"),
        ("PUT", "/api/v1/namespaces/default/pods"),
        ("POST", "/api/v1/namespaces/default/pods/p"),
        ("DELETE", "/api/v1/namespaces"),
    ],
)
async def test_what_is_not_done_to_a_path(front: Running, method: str, path: str) -> None:
    answer = await ask(front, path, method)
    status = json.loads(answer.body)
    assert (answer.status, status["reason"], status["message"]) == (
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    )
