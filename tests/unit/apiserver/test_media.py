from __future__ import annotations

import pytest

from knarr.apiserver.media import JSON, PROTOBUF, YAML, Output, negotiate
from knarr.machinery.errors import NotAcceptable

VIEWS = frozenset({"Table", "PartialObjectMetadata"})
KUBECTL = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)


@pytest.mark.parametrize(
    ("accept", "views", "output"),
    [
        pytest.param("", VIEWS, Output(JSON), id="nothing"),
        pytest.param("*/*", VIEWS, Output(JSON), id="anything"),
        pytest.param("application/yaml", VIEWS, Output(YAML), id="yaml"),
        pytest.param(KUBECTL, VIEWS, Output(JSON, "Table", "v1"), id="kubectl get"),
        pytest.param(KUBECTL, frozenset(), Output(JSON), id="kubectl get of what has no table"),
        pytest.param("application/json;as=Table;v=v2;g=meta.k8s.io,*/*", VIEWS, Output(JSON), id="unknown version"),
        pytest.param("application/vnd.kubernetes.protobuf,application/json", VIEWS, Output(PROTOBUF), id="client-go"),
        pytest.param("application/json;q=0.1, application/yaml;q=0.5", VIEWS, Output(YAML), id="quality"),
        pytest.param("application/json;stream=watch", VIEWS, Output(JSON), id="watch"),
    ],
)
def test_the_first_choice_that_can_be_served_wins(accept: str, views: frozenset[str], output: Output) -> None:
    assert negotiate(accept, views) == output


@pytest.mark.parametrize("accept", ["application/cbor", "text/html", "application/json;as=Row;v=v1;g=meta.k8s.io"])
def test_what_cannot_be_served_is_said(accept: str) -> None:
    with pytest.raises(
        NotAcceptable, match=r"application/json, application/yaml, application/vnd.kubernetes.protobuf$"
    ):
        negotiate(accept, VIEWS)


def test_of_very_many_choices_the_first_count() -> None:
    assert negotiate("text/plain," * 99 + "application/yaml" + ",application/json;q=1" * 100_000) == Output(YAML)


def test_a_watch_cannot_be_yaml() -> None:
    assert negotiate("application/yaml, application/json", watched=True) == Output(JSON)
    with pytest.raises(
        NotAcceptable, match=r"application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch$"
    ):
        negotiate("application/yaml", watched=True)
