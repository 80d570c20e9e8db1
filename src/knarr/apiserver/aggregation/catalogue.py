"""What the other servers say of their own resources: discovery and OpenAPI, fetched when they are looked at.

An entry that cannot be fetched any more stays, marked as stale.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from knarr.api.kind import JSON
from knarr.apiserver.aggregation.listings import aggregated_version, listed_version, openapi_url, own_part
from knarr.apiserver.aggregation.proxying import OURSELVES, as_user
from knarr.apiserver.aggregation.registrations import Registration, Registrations
from knarr.apiserver.elsewhere import ElsewhereVersion
from knarr.apiserver.openapi.newer import newer
from knarr.apiserver.openapi.protobuf import document
from knarr.apiserver.outbound.calls import ANSWER_LIMIT, whole
from knarr.apiserver.outbound.pool import Pool
from knarr.wire.messages import Request

log = logging.getLogger(__name__)

SECONDS = 5.0  # real ones, for one document
_AGGREGATED = ", ".join(
    (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        "application/json",
    )
)


@dataclass(frozen=True, slots=True)
class _Documents:
    """What was fetched of one registration; None: nothing yet."""

    discovery: JSON | None = None
    three: str = ""
    two: Mapping[str, JSON] = field(default_factory=dict)
    fresh: bool = False


class Catalogue:
    """An `Elsewhere`: the registrations, each with its server's own documents."""

    def __init__(self, registrations: Registrations, pool: Pool) -> None:
        self._registrations, self._pool = registrations, pool
        self._documents: dict[str, _Documents] = {}
        self._generation = 0

    def state(self) -> Any:
        return tuple(self._registrations.remote().values()), self._generation

    def versions(self) -> Sequence[ElsewhereVersion]:
        return [self._version(found) for found in self._registrations.remote().values()]

    def _version(self, found: Registration) -> ElsewhereVersion:
        known = self._documents.get(found.uid, _Documents())
        fresh = "Current" if known.fresh and found.available else "Stale"
        return ElsewhereVersion(
            found.group,
            found.version,
            found.group_priority,
            found.version_priority,
            {**(known.discovery or {}), "version": found.version, "freshness": fresh},
            known.three if found.available else "",
            known.two,
        )

    def has_openapi(self, registration: Registration) -> bool:
        """Whether the server has a document of version 3 itself."""
        known = self._documents.get(registration.uid)
        return known is not None and bool(known.three)

    async def visit(self, registration: Registration, available: bool) -> None:
        """Fetch what there is, now that the server has been looked at."""
        known = self._documents.get(registration.uid, _Documents())
        found = await self._fetch(registration) if available else replace(known, fresh=False)
        if found.discovery is None:
            found = replace(found, discovery=known.discovery, fresh=False)
        if found != known:
            self._documents[registration.uid] = found
            self._generation += 1

    def forget(self, registration: Registration) -> None:
        self._documents.pop(registration.uid, None)

    async def _fetch(self, registration: Registration) -> _Documents:
        discovery, index, two = await asyncio.gather(
            self._discovery(registration),
            self._get(registration, "/openapi/v3", "application/json"),
            self._get(registration, "/openapi/v2", "application/json"),
        )
        path = registration.path
        part = _usable(own_part(two or {}, path))
        return _Documents(discovery, openapi_url(index or {}, path), part, discovery is not None)

    async def _discovery(self, registration: Registration) -> JSON | None:
        """Of all that the server has, or of this version alone where it does not know the aggregated form."""
        everything = await self._get(registration, "/apis", _AGGREGATED)
        found = aggregated_version(everything or {}, registration.group, registration.version)
        if found is None and (listed := await self._get(registration, registration.path, "application/json")):
            found = listed_version(listed)
        return found

    async def _get(self, registration: Registration, path: str, accept: str) -> JSON | None:
        """A JSON document; None where there is none."""
        target = registration.target
        assert target is not None
        request = as_user(Request("GET", path, headers={"accept": accept}), OURSELVES)
        try:
            async with asyncio.timeout(SECONDS):
                streamed = await self._pool.transport(target).stream(request)
                body = await whole(streamed, ANSWER_LIMIT)
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            log.info("%s of the APIService %s cannot be fetched: %s", path, registration.name, error)
            return None
        try:
            tree = orjson.loads(body) if streamed.status == 200 else None
        except orjson.JSONDecodeError:
            return None
        return tree if isinstance(tree, dict) else None


def _usable(part: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """A part that our own document can be served with in every form, whatever its author made of it."""
    try:
        document({"swagger": "2.0", "info": {"title": "", "version": ""}, **part})
        newer(part)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        log.warning("an aggregated server's OpenAPI document makes no sense: %s", error)
        return {}
    return part
