"""What is no resource: figures, the issuer of tokens, and how a server says good-bye."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import re

import jwt
import pytest
from prometheus_client.parser import text_string_to_metric_families

from knarr.api import protobuf
from knarr.wire.messages import Request, Response
from tests.api.certificates import Pair
from tests.api.front import Running

MAPS = "/api/v1/namespaces/default/configmaps"
_LINE = re.compile(r"^([a-z_:]+)(?:\{(.*)\})? (\S+)$")
_PAIR = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


class Figures:
    """The samples of one look at /metrics."""

    def __init__(self, text: str) -> None:
        self.samples: dict[str, list[tuple[dict[str, str], float]]] = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                match = _LINE.match(line)
                assert match, line
                labels = dict(_PAIR.findall(match[2] or ""))
                self.samples.setdefault(match[1], []).append((labels, float(match[3])))

    def get(self, name: str, **labels: str) -> float:
        """The sum of the samples with these labels."""
        return sum(value for found, value in self.samples.get(name, ()) if labels.items() <= found.items())


async def ask(front: Running, path: str, method: str = "GET", body: object = None) -> Response:
    target, _, query = path.partition("?")
    data = b"" if body is None else json.dumps(body).encode()
    return await front.admin.request(Request(method, target, query, {"content-type": "application/json"}, data))


async def figures(front: Running) -> Figures:
    answer = await ask(front, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return Figures(answer.body.decode())


async def test_figures_of_requests(front: Running) -> None:
    before = await figures(front)
    await ask(front, MAPS)
    await ask(front, f"{MAPS}/none")
    await ask(front, f"{MAPS}?dryRun=All", "POST", {"metadata": {"name": "a"}})
    after = await figures(front)

    def more(name: str, **labels: str) -> float:
        return after.get(name, **labels) - before.get(name, **labels)

    of_maps = {"resource": "configmaps", "version": "v1", "group": "", "component": "apiserver"}
    assert more("apiserver_request_total", verb="LIST", code="200", scope="namespace", **of_maps) == 1
    assert more("apiserver_request_total", verb="GET", code="404", scope="resource", **of_maps) == 1
    assert more("apiserver_request_total", verb="POST", code="201", dry_run="All", **of_maps) == 1
    for name in ("request_duration_seconds", "request_sli_duration_seconds", "response_sizes"):
        assert more(f"apiserver_{name}_count", **of_maps) == 3
        assert more(f"apiserver_{name}_bucket", le="+Inf", **of_maps) == 3
    assert after.get("apiserver_current_inflight_requests", request_kind="readOnly") == 1  # the look itself


async def test_figures_of_watches_and_storage(front: Running, admin: Pair) -> None:
    transport, before = front.transport(admin), await figures(front)
    stream = await transport.stream(Request("GET", MAPS, "watch=1"))
    await front.post(MAPS, {"metadata": {"name": "a"}})
    async for _ in stream:
        break
    seen = await figures(front)

    def more(name: str, **labels: str) -> float:
        return seen.get(name, **labels) - before.get(name, **labels)

    assert seen.get("apiserver_longrunning_requests", verb="WATCH", resource="configmaps") == 1
    assert seen.get("apiserver_watch_events_total", resource="configmaps", version="v1") >= 1
    assert seen.get("apiserver_watch_events_sizes_count", resource="configmaps", version="v1") >= 1
    assert more("apiserver_resource_objects", resource="configmaps") == 1
    assert more("apiserver_storage_objects", resource="configmaps") == 1
    assert more("etcd_request_duration_seconds_count", operation="create", resource="configmaps") == 1
    assert seen.get("apiserver_admission_step_admission_duration_seconds_count", operation="CREATE", type="admit") > 0
    assert seen.get("apiserver_admission_controller_admission_duration_seconds_count", operation="CREATE") > 0
    assert seen.get("apiserver_watch_cache_events_received_total") > 0
    await stream.close()
    await transport.close()
    async with asyncio.timeout(5):
        while (await figures(front)).get("apiserver_longrunning_requests", verb="WATCH", resource="configmaps"):
            await asyncio.sleep(0.01)


async def test_figures_of_the_process_and_of_deprecated_versions(front: Running) -> None:
    await ask(front, "/apis/batch/v1beta1/cronjobs")
    seen = await figures(front)
    assert seen.get("process_resident_memory_bytes") > 1 << 20
    assert seen.get("process_open_fds") > 3
    assert seen.get("process_cpu_seconds_total") > 0
    assert seen.get("process_start_time_seconds") > 1.7e9
    assert seen.get("kubernetes_build_info", major="1", minor="36") == 1
    removed = {"group": "batch", "version": "v1beta1", "resource": "cronjobs", "removed_release": "1.25"}
    assert seen.get("apiserver_requested_deprecated_apis", **removed) == 1


async def test_figures_of_lists(front: Running) -> None:
    for name in ("a", "b", "c"):
        await front.post(MAPS, {"metadata": {"name": name}})
    first = json.loads((await ask(front, f"{MAPS}?limit=2")).body)["metadata"]
    await ask(front, f"{MAPS}?limit=2&continue={first['continue']}")
    seen = await figures(front)
    names = [
        f"apiserver_{place}_list_{what}_total" for place in ("cache", "storage") for what in ("", "returned_objects")
    ]
    counts = [seen.get(name.replace("__", "_"), resource="configmaps") for name in names]
    assert counts == [1, 2, 1, 1]


async def test_figures_of_who_comes(front: Running, admin: Pair) -> None:
    before = await figures(front)
    for pair, token in ((admin, ""), (None, "Bearer nonsense"), (None, "")):
        transport = front.transport(pair, **({"authorization": token} if token else {}))
        await transport.request(Request("GET", "/api/v1/pods"))
        await transport.close()
    after = await figures(front)

    def more(name: str, **labels: str) -> float:
        return after.get(name, **labels) - before.get(name, **labels)

    assert more("authentication_attempts", result="success") == 2  # one of them as nobody
    assert more("authentication_attempts", result="error") == 1
    assert more("authentication_duration_seconds_count", result="error") == 1
    left = "apiserver_client_certificate_expiration_seconds_bucket"  # of an hour, mostly
    assert (more(left, le="1800"), more(left, le="7200")) == (0, 1)
    assert more("authenticated_user_requests") == 2
    assert more("authorization_attempts_total", result="no-opinion") == 1


async def test_connections_that_are_never_secured_are_counted(front: Running) -> None:
    assert front.https.broken_handshakes == 0
    reader, writer = await asyncio.open_connection("127.0.0.1", int(front.url.rpartition(":")[2]))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await reader.read()
    writer.close()
    async with asyncio.timeout(5):
        while front.https.broken_handshakes == 0:
            gc.collect()
            await asyncio.sleep(0)


async def test_figures_are_read_by_prometheus(front: Running) -> None:
    text = (await ask(front, "/metrics")).body.decode()
    families = list(text_string_to_metric_families(text))
    assert [family.name for family in families if family.type == "unknown" or not family.documentation] == []
    samples = [(sample.name, *sorted(sample.labels.items())) for family in families for sample in family.samples]
    assert len(samples) == len(set(samples))


async def test_tokens_are_verified_by_what_the_issuer_publishes(front: Running) -> None:
    asked = {"spec": {"audiences": ["somebody"]}}
    account = "/api/v1/namespaces/default/serviceaccounts/default/token"
    token = json.loads((await ask(front, account, "POST", asked)).body)["status"]["token"]
    found = await ask(front, "/.well-known/openid-configuration")
    configuration = json.loads(found.body)
    assert (found.headers["content-type"], found.headers["cache-control"]) == (
        "application/json",
        "public, max-age=3600",
    )
    assert configuration["jwks_uri"].endswith("/openid/v1/jwks")
    keys = await ask(front, "/openid/v1/jwks")
    assert keys.headers["content-type"] == "application/jwk-set+json"
    key = jwt.PyJWKSet.from_dict(json.loads(keys.body))[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token,
        key,
        configuration["id_token_signing_alg_values_supported"],
        audience="somebody",
        issuer=configuration["issuer"],
    )
    assert claims["sub"] == "system:serviceaccount:default:default"


async def test_a_server_that_stops_is_not_ready_and_ends_what_goes_on_cleanly(front: Running, admin: Pair) -> None:
    transport = front.transport(admin)
    stream = await transport.stream(Request("GET", MAPS, "watch=1"))
    front.front.application.stop()
    ready = await ask(front, "/readyz")
    assert (ready.status, b"[-]shutdown failed: reason withheld" in ready.body) == (500, True)
    assert (await ask(front, "/livez")).status == 200
    assert (await ask(front, MAPS)).status == 200
    await front.https.close()
    async with asyncio.timeout(5):
        assert [chunk async for chunk in stream] == []  # a last chunk, and no error
    await transport.close()
    late = front.transport(admin)
    with pytest.raises(ConnectionError):
        await late.request(Request("GET", MAPS))
    await late.close()


async def test_what_there_is_not(front: Running) -> None:
    for path in ("/logs", "/logs/", "/debug/pprof", "/openid/v1", "/.well-known/other", "/metrics/slis/x"):
        assert ((await ask(front, path)).status, path) == (404, path)


@pytest.mark.parametrize(
    ("query", "agent", "indented"),
    [
        pytest.param("pretty=true", "kubectl", True, id="asked for"),
        pytest.param("", "curl/8.5.0", True, id="curl"),
        pytest.param("pretty=false", "curl/8.5.0", False, id="not wanted"),
        pytest.param("", "kubectl", False, id="a program"),
    ],
)
async def test_json_is_indented_for_people(front: Running, admin: Pair, query: str, agent: str, indented: bool) -> None:
    transport = front.transport(admin, **{"user-agent": agent})
    for path in ("/api/v1/namespaces/default", f"{MAPS}/none", MAPS, "/apis"):
        answer = await transport.request(Request("GET", path, query))
        assert (b'{\n  "kind"' in answer.body) is indented
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert json.loads(answer.body)["kind"]
    await transport.close()


async def test_a_failure_is_told_in_the_form_that_the_client_reads(front: Running) -> None:
    form = "application/vnd.kubernetes.protobuf"
    answer = await front.admin.request(Request("GET", f"{MAPS}/none", "", {"accept": f"{form},application/json"}))
    assert (answer.status, answer.headers["content-type"]) == (404, form)
    status = protobuf.decode(answer.body)
    assert (status["kind"], status["reason"], status["details"]["name"]) == ("Status", "NotFound", "none")
    plain = await front.admin.request(Request("GET", f"{MAPS}/none", "", {"accept": "application/yaml"}))
    assert plain.body.startswith(b"apiVersion: v1\ncode: 404\n")
    other = await front.admin.request(Request("GET", f"{MAPS}/none", "", {"accept": "text/html"}))
    assert (other.status, other.headers["content-type"]) == (406, "application/json")


async def test_a_large_list_in_all_its_forms(front: Running, admin: Pair) -> None:
    for n in range(40):
        await front.post(MAPS, {"metadata": {"name": f"m{n:02}"}, "data": {"text": "x" * 5000}})
    transport = front.transport(admin)
    whole = json.loads((await transport.request(Request("GET", MAPS))).body)
    assert [item["metadata"]["name"] for item in whole["items"]] == [f"m{n:02}" for n in range(40)]
    assert whole["items"][7] == json.loads((await transport.request(Request("GET", f"{MAPS}/m07"))).body)
    zipped = await transport.request(Request("GET", MAPS, "", {"accept-encoding": "gzip"}))
    assert zipped.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(zipped.body)) == whole
    indented = await transport.request(Request("GET", MAPS, "pretty=1"))
    assert json.loads(indented.body) == whole
    form = {"accept": "application/vnd.kubernetes.protobuf"}
    listed = protobuf.decode((await transport.request(Request("GET", MAPS, "", form))).body)
    assert [item["data"] for item in listed["items"]] == [item["data"] for item in whole["items"]]
    assert json.loads((await front.admin.request(Request("GET", MAPS))).body) == whole
    await transport.close()
