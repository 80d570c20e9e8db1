"""What is remembered of specs that come again."""

from __future__ import annotations

import orjson

from knarr.apiserver.specs import Specs, restored

LONG = {"containers": [{"name": "web", "image": "nginx", "args": ["x" * 600]}]}


def body(name: str, spec: object = LONG) -> bytes:
    return orjson.dumps({"kind": "Pod", "metadata": {"name": name}, "spec": spec})


def test_a_spec_that_came_before_is_cut_out() -> None:
    specs = Specs()
    assert specs.recall(body("a")) is None
    specs.learn(body("a"), {"spec": {**LONG, "restartPolicy": "Always"}})
    recalled = specs.recall(body("b"))
    assert recalled is not None
    rest = orjson.loads(recalled.rest)
    assert rest == {"kind": "Pod", "metadata": {"name": "b"}, "spec": {}}
    assert restored(rest, recalled)["spec"] == {**LONG, "restartPolicy": "Always"}


def test_objects_share_nothing() -> None:
    specs = Specs()
    specs.learn(body("a"), {"spec": LONG})
    recalled = specs.recall(body("a"))
    assert recalled is not None
    restored({}, recalled)["spec"]["containers"].clear()
    assert restored({}, recalled)["spec"] == LONG


def test_another_spec_is_another() -> None:
    specs = Specs()
    specs.learn(body("a"), {"spec": LONG})
    assert specs.recall(body("a", {**LONG, "hostNetwork": True})) is None


def test_what_is_no_object_is_not_known() -> None:
    specs = Specs()
    specs.learn(b"[]", {"spec": {}})
    for text in (b"", b"[]", b'{"spec"', b'{"spec": {}}', b"\xff"):
        assert specs.recall(text) is None
