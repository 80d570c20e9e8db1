"""Custom resources over TLS: how soon a new kind is served, and what operations on its objects cost.

python -m benchmarks.custom [--store sqlite|etcd] [--seconds 2]

A kind is served when discovery lists it, OpenAPI v3 has its document, and an object of it can be created: the time is
from the moment in which the definition is sent.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import Any

import orjson

from benchmarks.api import API, CONNECTIONS, MERGE, Load, Operation
from benchmarks.clusters import Server, api_server
from benchmarks.measuring import p50_p99, say
from knarr.wire.messages import Request, Response

JSON = dict[str, Any]
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
KINDS = 20  # definitions whose way to being served is measured
STORED = 500


def definition(number: int) -> JSON:
    group, kind = f"g{number}.bench.example.com", "Widget"
    part = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "weight": {"type": "integer", "default": 1}},
    }
    keyed = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    spec = {
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": {"type": "integer", "minimum": 1},
            "color": {"type": "string", "enum": ["red", "green"], "default": "red"},
            "image": {"type": "string", "pattern": "^[a-z0-9./:-]+$", "maxLength": 100},
            "parts": {"type": "array", "maxItems": 20, "items": part, **keyed},
        },
        "x-kubernetes-validations": [{"rule": "self.size >= size(self.parts)"}],
    }
    status = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema, "subresources": {"status": {}}}
    names = {"kind": kind, "plural": "widgets", "singular": "widget"}
    return {
        "kind": "CustomResourceDefinition",
        "apiVersion": "apiextensions.k8s.io/v1",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def path(number: int) -> str:
    return f"/apis/g{number}.bench.example.com/v1/namespaces/default/widgets"


WIDGETS = path(0)


def widget(name: str, number: int = 0, size: int = 5) -> JSON:
    """An object of 1 KB."""
    parts = [{"name": f"part-{n}", "weight": n} for n in range(5)]
    metadata = {"name": name, "annotations": {"example.com/text": "x" * 400}}
    spec = {"size": size, "image": "registry.example.com/image:1.2.3", "parts": parts}
    return {"kind": "Widget", "apiVersion": f"g{number}.bench.example.com/v1", "metadata": metadata, "spec": spec}


_versions: dict[str, str] = {}  # the resourceVersion of each stored object, which a PUT must name


async def create(api: API, n: int) -> None:
    """Store one of the objects that are read and changed."""
    _remember(await api.send("POST", WIDGETS, widget(f"w{n}")))


async def put(api: API, n: int) -> None:
    name = f"w{n % STORED}"
    body = widget(name, size=6 + n)
    body["metadata"]["resourceVersion"] = _versions[name]
    _remember(await api.send("PUT", f"{WIDGETS}/{name}", body))


def _remember(answer: Response) -> None:
    metadata = orjson.loads(answer.body)["metadata"]
    _versions[metadata["name"]] = metadata["resourceVersion"]


OPERATIONS: dict[str, Operation] = {
    "GET": lambda api, n: api.send("GET", f"{WIDGETS}/w{n % STORED}"),
    f"LIST {STORED}": lambda api, n: api.send("GET", WIDGETS),
    "create": lambda api, n: api.send("POST", WIDGETS, widget(f"n{n}")),
    "PUT": put,
    "patch status (merge)": lambda api, n: api.send(
        "PATCH", f"{WIDGETS}/w{n % STORED}/status", {"status": {"message": str(n)}}, MERGE
    ),
}


async def served(api: API, number: int) -> float:
    """Seconds from sending a definition to all that a kind needs."""
    group = f"g{number}.bench.example.com"
    started = time.perf_counter()
    await api.send("POST", DEFINITIONS, definition(number))
    for wanted in (f"/apis/{group}/v1", f"/openapi/v3/apis/{group}/v1"):
        while (await api.transport.request(Request("GET", wanted, "", {}))).status != 200:
            await asyncio.sleep(0.001)
    await api.send("POST", path(number), widget("first", number))
    return time.perf_counter() - started


async def measure(server: Server, api: API, name: str, seconds: float) -> None:
    load = Load(api, OPERATIONS[name])
    before = server.cpu()
    taken = await load.run(seconds, sys.maxsize)
    cpu = (server.cpu() - before) / load.count
    median, worst = p50_p99(load.latencies)
    say(name, f"{load.count / taken:.0f}/s", f"{median * 1000:.1f} / {worst * 1000:.1f} ms", f"{cpu * 1000:.3f} ms")


async def run(seconds: float, store: str) -> None:
    async with api_server(store) as server:
        api = API(server.transport())
        say(f"custom resources over {store}", "rate", "p50 / p99", "server CPU")
        times = [await served(api, number) for number in range(KINDS)]
        median, worst = p50_p99(times)
        say("definition to served", "", f"{median * 1000:.1f} / {worst * 1000:.1f} ms")
        for first in range(0, STORED, CONNECTIONS):
            await asyncio.gather(*(create(api, n) for n in range(first, min(first + CONNECTIONS, STORED))))
        size = len((await api.send("GET", f"{WIDGETS}/w0")).body)
        say("an object", f"{size / 1000:.1f} KB")
        for name in OPERATIONS:
            await measure(server, api, name, seconds)
        await api.transport.close()


def main(seconds: float = 2, store: str = "sqlite") -> None:
    asyncio.run(run(seconds, store))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2, help="for each operation")
    parser.add_argument("--store", choices=("sqlite", "etcd"), default="sqlite")
    options = parser.parse_args()
    main(options.seconds, options.store)
