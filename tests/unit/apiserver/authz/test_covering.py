"""Who holds what others are given."""

from __future__ import annotations

import pytest

from knarr.apiserver.authz.covering import described, uncovered
from knarr.apiserver.authz.defaults.notation import rule


def missing(held: str, wanted: str) -> list[str]:
    holds, wants = ([rule(line) for line in lines.splitlines()] for lines in (held, wanted))
    return [described(small) for small in uncovered(holds, wants)]


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        pytest.param("get list: pods", "list get: pods", id="the same"),
        pytest.param("get: pods\nlist: pods", "get list: pods", id="in two rules"),
        pytest.param("*: * in *", "get: pods/log named p", id="everything"),
        pytest.param("get: pods", "get: pods named p", id="any name, one name"),
        pytest.param("get: */scale in apps", "get: deployments/scale in apps", id="a subresource of any"),
        pytest.param("get: /a/*", "get: /a/b /a/c/*", id="a path's beginning"),
        pytest.param("*: *", "get: /a/*", id="any path"),
        pytest.param("get: pods", "", id="nothing"),
    ],
)
def test_covered(held: str, wanted: str) -> None:
    assert missing(held, wanted) == []


@pytest.mark.parametrize(
    ("held", "wanted", "expected"),
    [
        pytest.param(
            "get: pods",
            "get list watch: pods",
            ['{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}'],
            id="verbs, united",
        ),
        pytest.param(
            "",
            "get: pods services in core",
            [
                '{APIGroups:[""], Resources:["pods"], Verbs:["get"]}',
                '{APIGroups:[""], Resources:["services"], Verbs:["get"]}',
            ],
            id="resources, apart",
        ),
        pytest.param(
            "get: pods named p",
            "get: pods",
            ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'],
            id="one name is not all",
        ),
        pytest.param(
            "get: pods named p",
            "get: pods named p q",
            ['{APIGroups:[""], Resources:["pods"], ResourceNames:["q"], Verbs:["get"]}'],
            id="another name",
        ),
        pytest.param("get: /a", "get: /a/*", ['{NonResourceURLs:["/a/*"], Verbs:["get"]}'], id="paths"),
        pytest.param(
            "get: * in apps",
            "*: * in *",
            ['{APIGroups:["*"], Resources:["*"], Verbs:["*"]}'],
            id="everything",
        ),
    ],
)
def test_not_covered(held: str, wanted: str, expected: list[str]) -> None:
    assert missing(held, wanted) == expected


MANY = [f"w{n}" for n in range(1000)]


@pytest.mark.parametrize(
    ("held", "wanted", "expected"),
    [
        pytest.param("*: * in *", {}, 0, id="by a wildcard"),
        pytest.param("*: * in a\n*: * in b", {"apiGroups": ["a", "b"] * 500}, 0, id="by two rules"),
        pytest.param("get: pods", {}, 10, id="by none"),
        pytest.param("get: pods in core", {"resources": ["pods"] * 1000, "apiGroups": [""] * 1000}, 10, id="a part"),
        pytest.param("*: * in * named w1", {"resourceNames": MANY}, 10, id="one name"),
    ],
)
@pytest.mark.timeout(5)
def test_a_billion_rights_are_not_counted_one_by_one(held: str, wanted: dict[str, list[str]], expected: int) -> None:
    everything = {"verbs": MANY, "apiGroups": MANY, "resources": MANY, **wanted}
    found = uncovered([rule(line) for line in held.splitlines()], [everything], 10)
    assert sum(len(small["verbs"]) for small in found) == expected
