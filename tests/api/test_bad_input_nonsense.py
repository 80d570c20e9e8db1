"""Valid objects with random damage: the server refuses or takes them, but never fails itself, nor does a controller."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knarr.api import protobuf
from knarr.machinery import yamls
from tests.api.processes import Reply, ServerProcess, exchange
from tests.api.specimens import JSON, SPECIMENS

TEXTS = (
    "",
    "x",
    "-",
    "A B",
    "a/b/c",
    "..",
    "25%",
    "-1",
    "1e99",
    "0x10",
    "Always",
    "None",
    "::1",
    "10.0.0.1",
    "é" * 300,
)
NUMBERS = (0, 1, -1, 65536, 2**31, 2**63, -(2**63) - 1, 0.5, 1e300)
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS),
    st.sampled_from(TEXTS),
    st.sampled_from(([], {}, [None], [{}], [[]], {"": {}}, {"a": None}, {"a": {"b": []}})),
)
# Where, as a share of all the places that a tree has; what happens there; and with which value.
DAMAGE = st.tuples(st.floats(0, 0.999), st.sampled_from(("replace", "remove", "add", "double")), VALUES)
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a tree with every key in it."""
    for key, value in list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)):
        yield tree, key
        if isinstance(value, dict | list):
            yield from places(value)


def damaged(tree: JSON, damage: list[tuple[float, str, Any]]) -> JSON:
    tree = deepcopy(tree)
    for where, action, value in damage:
        found = list(places(tree))
        if not found:
            return tree
        container, key = found[int(where * len(found))]
        match action:
            case "replace":
                container[key] = deepcopy(value)
            case "remove":
                del container[key]
            case "add" if isinstance(container, dict):
                container["added"] = deepcopy(value)
            case _ if isinstance(container, list):
                container.insert(0, deepcopy(container[key]))
    return tree


@pytest.fixture
def connection(process: ServerProcess) -> Iterator[http.client.HTTPSConnection]:
    found = process.connect()
    yield found
    found.close()


@pytest.mark.parametrize("sort", SPECIMENS)
def test_damaged_objects(
    process: ServerProcess, namespace: str, connection: http.client.HTTPSConnection, sort: str
) -> None:
    prefix, _, plural = sort.partition(" ")
    collection = f"/{prefix}/namespaces/{namespace}/{plural}"
    whole = {"metadata": {"name": "x", "labels": {"a": "b"}, "annotations": {"c": "d"}}, **SPECIMENS[sort]}

    def send(method: str, path: str, body: Any, content_type: str = "") -> Reply:
        reply = exchange(connection, method, path, body, content_type)
        assert reply.status < 500, f"{method} {body}: {reply.body}\n{process.said()[-3000:]}"
        return reply

    before = len(process.said())
    assert send("POST", collection, whole).status == 201
    stored = send("GET", f"{collection}/x", None).json

    @settings(max_examples=40, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(DAMAGE, min_size=1, max_size=3))
    def damage_it(damage: list[tuple[float, str, Any]]) -> None:
        send("POST", f"{collection}?dryRun=All", damaged(whole, damage))
        send("PATCH", f"{collection}/x", damaged(whole, damage), MERGE)
        send("PATCH", f"{collection}/x", damaged(whole, damage), STRATEGIC)
        changed = damaged(stored, damage)
        if isinstance(changed.get("metadata"), dict):
            changed["metadata"].pop("resourceVersion", None)
        send("PUT", f"{collection}/x", changed)
        send("PUT", f"{collection}/x/status", changed)
        send("GET", collection, None)

    damage_it()
    said = process.said()[before:]
    assert "Traceback" not in said, said


FORMS: dict[str, Callable[[Any], str | bytes]] = {
    "application/json": json.dumps,
    "application/yaml": yamls.dump,
    "application/vnd.kubernetes.protobuf": protobuf.encode,
}


@pytest.mark.parametrize("content_type", FORMS)
def test_damaged_bytes(
    process: ServerProcess, namespace: str, connection: http.client.HTTPSConnection, content_type: str
) -> None:
    whole = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"}, **SPECIMENS["api/v1 pods"]}
    form = FORMS[content_type](whole)
    body = form if isinstance(form, bytes) else form.encode()
    before = len(process.said())
    path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
    assert exchange(connection, "POST", path, body, content_type).status == 201

    @settings(max_examples=150, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=3), st.floats(0.1, 1))
    def damage_it(damage: list[tuple[float, int]], length: float) -> None:
        sent = bytearray(body[: int(length * len(body))] if length < 0.5 else body)
        for where, byte in damage:
            sent[int(where * len(sent))] = byte
        reply = exchange(connection, "POST", path, bytes(sent), content_type)
        assert reply.status < 500, f"{bytes(sent)!r}: {reply.body}"

    damage_it()
    said = process.said()[before:]
    assert "Traceback" not in said, said


DEPTHS = (100, 240, 1000, 5000, 100_000)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")], ids=["maps", "lists"])
def test_deep_bodies(process: ServerProcess, namespace: str, depth: int, opening: str, closing: str) -> None:
    deep = f"{opening * depth}1{closing * depth}"
    managed = f'{{"metadata": {{"name": "x", "managedFields": [{{"fieldsV1": {deep}}}]}}, "data": {{}}}}'.encode()
    collection = f"/api/v1/namespaces/{namespace}/configmaps"
    process.send("POST", collection, {"metadata": {"name": "x"}})
    before = len(process.said())
    for method, path, content_type in (
        ("POST", f"{collection}?dryRun=All", "application/json"),
        ("POST", f"{collection}?dryRun=All", "application/yaml"),
        ("PUT", f"{collection}/x", "application/json"),
        ("PATCH", f"{collection}/x", MERGE),
        ("PATCH", f"{collection}/x", STRATEGIC),
    ):
        for body in (managed, deep.encode()):
            reply = process.send(method, path, body, content_type)
            assert reply.status < 500, (method, content_type, reply.body)
    said = process.said()[before:]
    assert "Traceback" not in said, said[-3000:]


PARAMETERS = (
    *("labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "resourceVersionMatch", "dryRun"),
    *("fieldValidation", "gracePeriodSeconds", "propagationPolicy", "timeoutSeconds", "pretty", "nonsense"),
    *("sendInitialEvents", "allowWatchBookmarks", "includeObject", "fieldManager", "force", "orphanDependents"),
)
WORDS = (
    *("", "0", "1", "-1", "x", "true", "false", "a=b", "a in (b", "a in (b,c)", "!a", "=", ",,", "a==b,c!=d", "All"),
    *("Exact", "NotOlderThan", "Strict", "Orphan", "9" * 30, "1e3", "%00", "é", "metadata.name=x", "spec.x=1", "None"),
    *("eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ", "Object", "Table", "&&", "\n"),
)
PATHS = ("", "/x", "/x/status", "/x/scale", "/x/nonsense", "/..", "/%2e%2e", "//", "/x/y/z", "/é", "/" + "n" * 300)


def test_damaged_requests(process: ServerProcess, namespace: str, connection: http.client.HTTPSConnection) -> None:
    collections = [f"/api/v1/namespaces/{namespace}/configmaps", f"/apis/apps/v1/namespaces/{namespace}/deployments"]
    accepted = (
        "application/json",
        "application/yaml;q=2",
        "*/*",
        "",
        ";;",
        "application/json;as=Table;v=v1;g=meta.k8s.io",
    )
    before = len(process.said())

    @settings(max_examples=400, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW")),
        st.sampled_from(collections),
        st.sampled_from(PATHS),
        st.dictionaries(st.sampled_from(PARAMETERS), st.sampled_from(WORDS), max_size=3),
        st.sampled_from((None, b"", b"{}", b'{"metadata": {"name": "x"}}')),
        st.sampled_from(accepted),
    )
    def damage_it(
        method: str, collection: str, path: str, query: dict[str, str], body: bytes | None, accept: str
    ) -> None:
        target = quote(collection + path, safe="/%") + "?" + urlencode(query)
        reply = exchange(connection, method, target, body, MERGE if method == "PATCH" else "", accept=accept)
        assert reply.status < 500, f"{method} {target}: {reply.body}"

    damage_it()
    said = process.said()[before:]
    assert "Traceback" not in said, said
