from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from knarr.api.kind import JSON, Kind, Version
from knarr.api.kinds.table import KINDS
from knarr.apiserver.discovery import Discovery
from knarr.apiserver.indexing import index_of
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.openapi import OpenAPI
from knarr.machinery.apply.shapes import Shape
from knarr.machinery.apply.structs import DEDUCED
from knarr.machinery.fielderrors import FieldError
from knarr.wire.messages import Request, Response

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
NAME = "com.example.v1.Widget"


class WidgetType:
    definition, digest, has_rules = NAME, "1", False

    def ask(self, new: JSON, old: JSON | None, errors: Sequence[FieldError], here: int | None) -> list[FieldError]:
        return []

    def decode(self, tree: JSON) -> list[str]:
        return []

    def default(self, tree: JSON) -> None: ...

    def validate(self, tree: JSON) -> list[FieldError]:
        return []

    def validate_changes(self, new: JSON, old: JSON) -> list[FieldError]:
        return []

    def validate_update(self, new: JSON, old: JSON) -> list[FieldError]:
        return []

    @property
    def ownership(self) -> Shape:
        return DEDUCED

    def schemas(self, older: bool) -> Mapping[str, JSON]:
        item = {"$ref": f"#/components/schemas/{NAME}"}
        return {
            NAME: {"type": "object", "description": "older" if older else "newer"},
            f"{NAME}List": {"type": "object", "properties": {"items": {"type": "array", "items": item}}},
        }


WIDGETS = Kind(
    kind="Widget",
    plural="widgets",
    group="example.com",
    versions=(Version("v1", NAME, own=WidgetType()),),
    storage_prefix="/registry/example.com/widgets",
    fields={"spec.size": lambda tree: tree["spec"]["size"]},
)


def get(documents: Discovery | OpenAPI, path: str, accept: str = "") -> Response:
    return documents.answer(Request("GET", path, "", {"accept": accept}))


def read(documents: Discovery | OpenAPI, path: str, accept: str = "") -> Any:
    return json.loads(get(documents, path, accept).body)


def test_discovery_follows() -> None:
    kinds = Kinds(KINDS)
    discovery = Discovery(kinds)
    before = get(discovery, "/apis", AGGREGATED)
    assert get(discovery, "/apis/example.com/v1").status == 404
    kinds.serve(WIDGETS)
    during = get(discovery, "/apis", AGGREGATED)
    assert read(discovery, "/apis/example.com/v1")["resources"][0]["name"] == "widgets"
    assert "example.com" in [group["metadata"].get("name") for group in json.loads(during.body)["items"]]
    kinds.withdraw(WIDGETS)
    after = get(discovery, "/apis", AGGREGATED)
    assert get(discovery, "/apis/example.com/v1").status == 404
    assert before.headers["etag"] == after.headers["etag"] != during.headers["etag"]


def test_openapi_follows_and_keeps_what_has_not_changed() -> None:
    kinds = Kinds(KINDS)
    openapi = OpenAPI(kinds)
    before = read(openapi, "/openapi/v3")["paths"]
    kinds.serve(WIDGETS)
    after = read(openapi, "/openapi/v3")["paths"]
    assert after == {**before, "apis/example.com/v1": after["apis/example.com/v1"]}
    assert read(openapi, "/openapi/v3/apis/example.com/v1")["components"]["schemas"][NAME]["description"] == "newer"
    assert read(openapi, "/openapi/v2")["definitions"][NAME]["description"] == "older"


def test_the_index_knows_labels_before_it_knows_the_kind() -> None:
    kinds = Kinds(KINDS)
    index = index_of(kinds)
    value = b'{"metadata":{"name":"a","labels":{"x":"y"}},"spec":{"size":"1"}}'
    key = "/registry/example.com/widgets/default/a"
    assert index(key, value) == ({"x": "y"}, {"metadata.name": "a", "metadata.namespace": ""})
    kinds.serve(WIDGETS)
    assert index(key, value)[1]["spec.size"] == "1"
