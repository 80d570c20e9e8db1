"""Which resources the server has now, custom ones included: the aggregated discovery documents (KEP-3352).

For components that deal with all resources alike; whoever knows its resources has them in resources.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from knarr.client.client import Client
from knarr.client.objects import View
from knarr.client.resources import Resource

ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass(frozen=True, slots=True)
class Discovered:
    """A resource in its group's preferred version, and what may be done with it."""

    resource: Resource
    verbs: frozenset[str]


class _Kind(View, frozen=True):
    group: str = ""
    version: str = ""
    kind: str = ""


class _Resource(View, frozen=True):
    resource: str
    scope: str = ""
    verbs: tuple[str, ...] = ()
    response_kind: _Kind | None = None


class _Version(View, frozen=True):
    version: str
    resources: tuple[_Resource, ...] = ()
    freshness: str = ""


class _Meta(View, frozen=True):
    name: str = ""


class _Group(View, frozen=True):
    metadata: _Meta = _Meta()
    versions: tuple[_Version, ...] = ()


class _Groups(View, frozen=True):
    items: tuple[_Group, ...] = ()


_DECODER = msgspec.json.Decoder(_Groups)


async def discover(client: Client) -> list[Discovered]:
    """All resources, each once. Raises what client calls raise."""
    found: dict[tuple[str, str], Discovered] = {}
    for path in ("/api", "/apis"):
        for group in _DECODER.decode(await client.document(path, ACCEPT)).items:
            for version in group.versions:
                for each in version.resources:
                    found.setdefault((group.metadata.name, each.resource), _discovered(group, version, each))
    return list(found.values())


def _discovered(group: _Group, version: _Version, each: _Resource) -> Discovered:
    kind = each.response_kind.kind if each.response_kind else ""
    resource = Resource(group.metadata.name, version.version, each.resource, kind, each.scope == "Namespaced")
    return Discovered(resource, frozenset(each.verbs))
