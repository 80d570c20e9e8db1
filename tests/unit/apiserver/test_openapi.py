from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from knarr.api.kinds.table import KINDS
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.openapi import OpenAPI
from knarr.apiserver.openapi.protobuf import document
from knarr.wire.messages import Request

OPENAPI = OpenAPI(Kinds(KINDS))


def fetch(path: str, **headers: str) -> Any:
    target, _, query = path.partition("?")
    answer = OPENAPI.answer(Request("GET", target, query, headers))
    assert answer.status == 200
    return json.loads(answer.body)


def references(tree: Any) -> set[str]:
    if isinstance(tree, list):
        return set().union(*map(references, tree))
    if not isinstance(tree, dict):
        return set()
    own = {tree["$ref"]} if isinstance(tree.get("$ref"), str) else set()
    return own.union(*map(references, tree.values()))


def documents() -> list[str]:
    return [path for path in OPENAPI.paths() if path.startswith("/openapi/v3/")]


@pytest.mark.parametrize("path", documents())
def test_every_version_is_whole_and_its_operations_have_their_own_names(path: str) -> None:
    tree = fetch(path)
    known = {f"#/components/schemas/{name}" for name in tree["components"]["schemas"]}
    assert references(tree) <= known
    operations = [o for item in tree["paths"].values() for m, o in item.items() if m != "parameters"]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))


def test_what_kubectl_looks_for_in_version_three() -> None:
    patch = fetch("/openapi/v3/apis/apps/v1")["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"][
        "patch"
    ]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert {"fieldValidation", "dryRun"} <= {parameter["name"] for parameter in patch["parameters"]}
    assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]


def test_version_two_is_whole() -> None:
    tree = fetch("/openapi/v2")
    assert references(tree) <= {f"#/definitions/{name}" for name in tree["definitions"]}
    assert b"components/schemas" not in json.dumps(tree).encode()


def test_a_hashed_url_may_be_kept_and_an_old_one_leads_to_the_new() -> None:
    url = fetch("/openapi/v3")["paths"]["api/v1"]["serverRelativeURL"]
    path, _, query = url.partition("?")
    fresh = OPENAPI.answer(Request("GET", path, query, {"accept-encoding": "gzip"}))
    assert "immutable" in fresh.headers["cache-control"]
    assert json.loads(gzip.decompress(fresh.body))["openapi"] == "3.0.0"
    again = OPENAPI.answer(Request("GET", path, query, {"if-none-match": fresh.headers["etag"]}))
    assert (again.status, again.body) == (304, b"")
    stale = OPENAPI.answer(Request("GET", path, "hash=OLD"))
    assert (stale.status, stale.headers["location"]) == (301, url)


def test_protobuf_is_gnostics() -> None:
    """A field of each wire kind, against bytes written by hand from the .proto file."""
    tree = {
        "swagger": "2.0",
        "definitions": {"A": {"type": "string", "uniqueItems": True, "required": ["b"], "x-y": {"c": 1}}},
    }
    schema = b"\xb2\x01\x08\x0a\x06string" + b"\x80\x01\x01" + b"\x9a\x01\x01b"
    extension = b"\xfa\x01\x10" + b"\x0a\x03x-y" + b"\x12\x09\x12\x07" + b'{"c":1}'
    named = b"\x0a\x01A" + b"\x12" + bytes([len(schema + extension)]) + schema + extension
    entry = b"\x0a" + bytes([len(named)]) + named
    assert document(tree) == b"\x0a\x032.0" + b"\x4a" + bytes([len(entry)]) + entry
