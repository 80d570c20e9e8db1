"""CustomResourceDefinitions to test with."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api.harness import Server

JSON = dict[str, Any]
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP = "example.com"
WIDGETS = f"/apis/{GROUP}/v1/namespaces/default/widgets"
SPEC: JSON = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 10},
        "color": {"type": "string", "default": "red", "enum": ["red", "green"]},
        "replicas": {"type": "integer", "format": "int32"},
        "note": {"type": "string", "nullable": True},
        "port": {"x-kubernetes-int-or-string": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "weight": {"type": "number", "default": 1}},
            },
        },
        "template": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "properties": {"spec": {"type": "object"}},
        },
    },
}
STATUS: JSON = {"type": "object", "properties": {"phase": {"type": "string"}, "replicas": {"type": "integer"}}}


def schema(spec: JSON | None = None) -> JSON:
    return {"type": "object", "properties": {"spec": SPEC if spec is None else spec, "status": STATUS}}


def version(name: str = "v1", spec: JSON | None = None, **more: Any) -> JSON:
    served = {"name": name, "served": True, "storage": name == "v1", "schema": {"openAPIV3Schema": schema(spec)}}
    return {**served, "subresources": {"status": {}}, **more}


def definition(*versions: JSON, kind: str = "Widget", names: JSON | None = None, **spec: Any) -> JSON:
    """A definition of namespaced widgets, unless told otherwise."""
    named = {"kind": kind, "plural": f"{kind.lower()}s", "shortNames": [kind.lower()[:2]], **(names or {})}
    return {
        "kind": "CustomResourceDefinition",
        "apiVersion": "apiextensions.k8s.io/v1",
        "metadata": {"name": f"{named['plural']}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": named,
            "versions": list(versions) or [version()],
            **spec,
        },
    }


def widget(name: str = "w", *, api: str = "v1", **spec: Any) -> JSON:
    return {
        "kind": "Widget",
        "apiVersion": f"{GROUP}/{api}",
        "metadata": {"name": name},
        "spec": {"size": 1, **spec},
    }


async def established(server: Server, crd: JSON) -> JSON:
    """Create a definition, and wait until it is served."""
    created = await server.post(CRDS, crd)
    assert created.status == 201, created.body
    return await eventually_established(server, crd["metadata"]["name"])


async def eventually_established(server: Server, name: str) -> JSON:
    for _ in range(1000):
        found = (await server.get(f"{CRDS}/{name}")).body
        conditions = {c["type"]: c["status"] for c in found["status"].get("conditions", ())}
        if conditions.get("Established") == "True":
            return dict(found)
        await asyncio.sleep(0.005)
    raise AssertionError(found)
