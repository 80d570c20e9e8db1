"""Other servers' documents, right and wrong."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.apiserver.aggregation.listings import aggregated_version, listed_version, openapi_url, own_part
from knarr.apiserver.openapi.merging import merged

URL = "/openapi/v3/apis/a/v1?hash=A"
NONSENSE: list[Any] = [{}, {"items": 5}, {"items": [5]}, {"kind": "APIGroupDiscoveryList", "items": [{"versions": 5}]}]


def listed(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "APIResourceList", "groupVersion": "a.b/v1", "resources": list(resources)}


def test_an_older_list_becomes_an_entry() -> None:
    pot = {"name": "pots", "singularName": "pot", "kind": "Pot", "verbs": ["get"], "namespaced": False}
    scale = {"name": "pots/scale", "kind": "Scale", "group": "autoscaling", "version": "v1", "verbs": ["get"]}
    assert listed_version(listed(pot, scale)) == {
        "version": "v1",
        "resources": [
            {
                "resource": "pots",
                "responseKind": {"group": "a.b", "version": "v1", "kind": "Pot"},
                "scope": "Cluster",
                "singularResource": "pot",
                "verbs": ["get"],
                "subresources": [
                    {
                        "subresource": "scale",
                        "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
                        "verbs": ["get"],
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    "resource",
    [{"resource": 5}, {"resource": "x", "verbs": "get"}, {"resource": "x", "responseKind": []}, {}, 7],
)
def test_an_entry_that_clients_could_not_read_is_none(resource: Any) -> None:
    versions = [{"version": "v1", "resources": [resource]}]
    document = {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": "a.b"}, "versions": versions}]}
    assert aggregated_version(document, "a.b", "v1") is None


def test_of_an_entry_what_is_known_stays() -> None:
    entry = {"version": "v1", "resources": [{"resource": "x", "verbs": ["get"], "other": 1}], "freshness": "Current"}
    document = {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": "a.b"}, "versions": [entry]}]}
    found = {"version": "v1", "resources": [{"resource": "x", "verbs": ["get"]}]}
    assert aggregated_version(document, "a.b", "v1") == found


@pytest.mark.parametrize("document", NONSENSE)
def test_nonsense_is_nothing(document: Any) -> None:
    assert aggregated_version(document, "a.b", "v1") is None
    assert listed_version(document) is None
    assert own_part(document, "/apis/a.b/v1") == {}


def test_a_part_holds_its_own_paths_and_what_they_need() -> None:
    document = {
        "paths": {"/apis/a/v1/x": {"$ref": "#/definitions/A"}, "/apis/a/v10/y": {"$ref": "#/definitions/C"}},
        "definitions": {"A": {"items": [{"$ref": "#/definitions/B"}]}, "B": {"$ref": "#/definitions/A"}, "C": {}},
    }
    part = own_part(document, "/apis/a/v1")
    assert (sorted(part["paths"]), sorted(part["definitions"])) == (["/apis/a/v1/x"], ["A", "B"])


def test_definitions_that_are_the_same_stay_one() -> None:
    ours: dict[str, Any] = {"paths": {"/a": {}}, "definitions": {"A": {"type": "string"}, "B": {"type": "string"}}}
    theirs: dict[str, Any] = {
        "paths": {"/a": {"x": 1}, "/b": {"$ref": "#/definitions/B"}},
        "definitions": {"A": {"type": "string"}, "B": {"type": "object"}},
    }
    found = merged(ours, [theirs, {}])
    assert found["paths"] == {"/a": {}, "/b": {"$ref": "#/definitions/B_v2"}}
    assert sorted(found["definitions"]) == ["A", "B", "B_v2"]


@pytest.mark.parametrize(
    ("index", "url"),
    [
        (
            {"paths": {"apis/a/v1": {"serverRelativeURL": "/openapi/v3/apis/a/v1?hash=A"}}},
            "/openapi/v3/apis/a/v1?hash=A",
        ),
        ({"paths": {"apis/a/v1": {"serverRelativeURL": "https://elsewhere/"}}}, ""),
        ({"paths": {"apis/a/v1": "/openapi/v3/apis/a/v1"}}, ""),
        ({"paths": []}, ""),
        ({}, ""),
    ],
)
def test_where_a_document_is(index: Any, url: str) -> None:
    assert openapi_url(index, "/apis/a/v1") == url
