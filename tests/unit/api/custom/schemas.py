"""Schemas and definitions to test with."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]
TEXT: JSON = {"type": "string"}


def root(**properties: JSON) -> JSON:
    return {"type": "object", "properties": properties}


def definition(schema: JSON, **version: Any) -> JSON:
    """A defaulted definition with one version."""
    names = {"kind": "Foo", "listKind": "FooList", "plural": "foos", "singular": "foo"}
    one = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **version}
    return {
        "metadata": {"name": "foos.a.b"},
        "spec": {"group": "a.b", "scope": "Cluster", "names": names, "versions": [one]},
        "status": {"storedVersions": ["v1"]},
    }
