"""Many clients that write one object at once: nobody's acknowledged write is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPSConnection

import pytest

from tests.api.processes import ServerProcess, exchange

WRITERS, WRITES = 8, 15
MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"


@pytest.fixture
def counter(process: ServerProcess, namespace: str) -> str:
    """The path of an object that counts."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert process.send("POST", path, {"metadata": {"name": "counter"}, "data": {"n": "0"}}).status == 201
    return f"{path}/counter"


def put(connection: HTTPSConnection, path: str) -> int:
    """Read, add one, write what was read."""
    tree = exchange(connection, "GET", path).json
    tree["data"]["n"] = str(int(tree["data"]["n"]) + 1)
    return exchange(connection, "PUT", path, tree).status


def merge(connection: HTTPSConnection, path: str) -> int:
    """The same by a patch that names the revision that it is based on."""
    tree = exchange(connection, "GET", path).json
    revision, n = tree["metadata"]["resourceVersion"], str(int(tree["data"]["n"]) + 1)
    patch = {"metadata": {"resourceVersion": revision}, "data": {"n": n}}
    return exchange(connection, "PATCH", path, patch, MERGE).status


def guarded(connection: HTTPSConnection, path: str) -> int:
    """The same by a patch that names the value that it is based on."""
    n = exchange(connection, "GET", path).json["data"]["n"]
    patch = [
        {"op": "test", "path": "/data/n", "value": n},
        {"op": "replace", "path": "/data/n", "value": str(int(n) + 1)},
    ]
    return exchange(connection, "PATCH", path, patch, JSON_PATCH).status


@pytest.mark.parametrize("add", [put, merge, guarded], ids=["PUT", "merge patch", "JSON patch"])
def test_no_increment_is_lost(process: ServerProcess, counter: str, add: Callable[[HTTPSConnection, str], int]) -> None:
    def write(_: int) -> int:
        connection, refused = process.connect(), 0
        for _ in range(WRITES):
            while (status := add(connection, counter)) != 200:
                assert status in (409, 422)
                refused += 1
        connection.close()
        return refused

    with ThreadPoolExecutor(WRITERS) as pool:
        refused = sum(pool.map(write, range(WRITERS)))
    assert process.send("GET", counter).json["data"] == {"n": str(WRITERS * WRITES)}
    assert refused > 0


def test_patches_of_different_fields_do_not_disturb_each_other(process: ServerProcess, counter: str) -> None:
    """Patches that name no revision are applied to whatever there is, without a conflict."""

    def write(writer: int) -> list[int]:
        connection = process.connect()
        patches = [{"data": {f"{writer}-{number}": "x"}} for number in range(WRITES)]
        statuses = [exchange(connection, "PATCH", counter, patch, MERGE).status for patch in patches]
        connection.close()
        return statuses

    with ThreadPoolExecutor(WRITERS) as pool:
        statuses = {status for found in pool.map(write, range(WRITERS)) for status in found}
    assert statuses == {200}
    expected = {f"{writer}-{number}" for writer in range(WRITERS) for number in range(WRITES)} | {"n"}
    assert process.send("GET", counter).json["data"].keys() == expected


def test_one_of_many_creates_wins(process: ServerProcess, namespace: str) -> None:
    def create(writer: int) -> tuple[int, str]:
        tree = {"metadata": {"name": "one"}, "data": {"by": str(writer)}}
        return process.send("POST", f"/api/v1/namespaces/{namespace}/configmaps", tree).status, str(writer)

    with ThreadPoolExecutor(WRITERS) as pool:
        answers = list(pool.map(create, range(WRITERS)))
    assert sorted(status for status, _ in answers) == [201, *[409] * (WRITERS - 1)]
    winner = next(writer for status, writer in answers if status == 201)
    found = process.send("GET", f"/api/v1/namespaces/{namespace}/configmaps/one").json
    assert found["data"] == {"by": winner}


def test_generated_names_are_everybodys_own(process: ServerProcess, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"

    def create(_: int) -> str:
        made = process.send("POST", path, {"metadata": {"generateName": "made-"}})
        assert made.status == 201
        return str(made.json["metadata"]["name"])

    with ThreadPoolExecutor(WRITERS) as pool:
        names = list(pool.map(create, range(WRITERS * 5)))
    assert len(set(names)) == len(names)


def test_one_of_many_deletes_wins(process: ServerProcess, counter: str) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        answers = list(pool.map(lambda _: process.send("DELETE", counter).status, range(WRITERS)))
    assert sorted(answers) == [200, *[404] * (WRITERS - 1)]
