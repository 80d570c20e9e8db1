from __future__ import annotations

from typing import Any

import pytest

from knarr.apiserver.streaming.containers import container_of, log_query, pod_path, stream_query
from knarr.machinery.errors import APIError


def pod(*containers: str, init: tuple[str, ...] = ()) -> dict[str, Any]:
    spec = {"containers": [{"name": name} for name in containers], "initContainers": [{"name": name} for name in init]}
    return {"metadata": {"namespace": "shop", "name": "p"}, "spec": spec}


@pytest.mark.parametrize(
    ("of", "wanted", "found"),
    [
        pytest.param(pod("a"), "", "a", id="the only one"),
        pytest.param(pod("a", "b"), "b", "b", id="by name"),
        pytest.param(pod("a", init=("i",)), "i", "i", id="an init container"),
    ],
)
def test_container(of: dict[str, Any], wanted: str, found: str) -> None:
    assert container_of(of, wanted) == found


@pytest.mark.parametrize(
    ("of", "wanted", "message"),
    [
        pytest.param(pod("a"), "x", "container x is not valid for pod p", id="unknown"),
        pytest.param(
            pod("a", "b"), "", "a container name must be specified for pod p, choose one of: [a b]", id="several"
        ),
        pytest.param(
            pod("a", "b", init=("i",)),
            "",
            "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i]",
            id="with init containers",
        ),
    ],
)
def test_no_container(of: dict[str, Any], wanted: str, message: str) -> None:
    with pytest.raises(APIError) as raised:
        container_of(of, wanted)
    assert (raised.value.code, raised.value.message) == (400, message)


def test_paths_and_queries_are_the_kubelets() -> None:
    assert pod_path("exec", pod("a"), "a") == "/exec/shop/p/a"
    given = {"follow": ["true"], "previous": ["false"], "tailLines": ["0"], "container": ["a"]}
    assert log_query("p", given) == "follow=true&tailLines=0"
    wanted = {"stdin": ["true"], "stdout": ["true"], "tty": ["false"], "command": ["sh", "-c", "a b"]}
    assert stream_query(wanted) == "input=1&output=1&command=sh&command=-c&command=a+b"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param({"tailLines": ["-1"]}, 422, id="negative"),
        pytest.param({"limitBytes": ["0"]}, 422, id="no bytes"),
        pytest.param({"tailLines": ["x"]}, 400, id="no number"),
        pytest.param({"sinceSeconds": ["1"], "sinceTime": ["2026-01-01T00:00:00Z"]}, 422, id="two beginnings"),
    ],
)
def test_log_options_that_make_no_sense(given: dict[str, list[str]], code: int) -> None:
    with pytest.raises(APIError) as raised:
        log_query("p", given)
    assert raised.value.code == code
