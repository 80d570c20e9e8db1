"""How events are written."""

from __future__ import annotations

import json

from knarr.apiserver.audit.events import json_line, legacy_line, listed, shortened
from tests.unit.apiserver.audit.builders import event

EVENT = {
    "level": "Request",
    "auditID": "a",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/shop/pods",
    "verb": "create",
    "user": {"username": "bob", "groups": ["devs", 'the "others"']},
    "sourceIPs": ["10.0.0.1"],
    "userAgent": "kubectl",
    "objectRef": {"resource": "pods", "namespace": "shop", "apiVersion": "v1"},
    "responseStatus": {"metadata": {}, "code": 201},
    "requestObject": "xxx",
    "requestReceivedTimestamp": "2026-01-02T03:04:05.120000Z",
    "stageTimestamp": "2026-01-02T03:04:05.130000Z",
}
HEAD = {"kind": "Event", "apiVersion": "audit.k8s.io/v1"}


def test_a_line_of_json() -> None:
    line = json_line(event("a", "Request", 3))
    assert line.endswith(b"}\n")
    assert json.loads(line) == {**HEAD, **EVENT}


def test_a_legacy_line() -> None:
    assert legacy_line(event("a")).decode() == (
        '2026-01-02T03:04:05.12Z AUDIT: id="a" stage="ResponseComplete" ip="10.0.0.1" method="create" user="bob" '
        r'groups="\"devs\",\"the \\\"others\\\"\"" as="<self>" asgroups="<lookup>" user-agent="kubectl" '
        'namespace="shop" uri="/api/v1/namespaces/shop/pods" response="201"'
        "\n"
    )


def test_a_list() -> None:
    tree = json.loads(listed([event("a", "Request", 3), event("a", "Request", 3)]))
    assert tree == {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": [EVENT, EVENT]}


def test_a_shortened_event_says_so() -> None:
    rest = {name: value for name, value in EVENT.items() if name != "requestObject"}
    said = {"audit.k8s.io/truncated": "true"}
    assert json.loads(shortened(event("a", "Request", 3))) == {**rest, "annotations": said}
