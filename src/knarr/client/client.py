"""REST verbs on resources, over whatever transport: the one way in which components talk to the API server.

Failures are `machinery.errors.APIError` for what the server refused, `ConnectionError` or `TimeoutError` where it
was not reached. Upstream's reference: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Literal, TypeVar, overload
from urllib.parse import urlencode

import msgspec

from knarr.client.decoding import (
    ObjectList,
    WatchEvent,
    decode_frame,
    decode_list,
    decode_object,
    error_of,
    lines,
    until,
)
from knarr.client.figures import RequestFigures
from knarr.client.objects import JSON, Object
from knarr.client.resources import Resource
from knarr.wire.messages import Request, Response, StreamedResponse, Transport

__all__ = ["Client", "ObjectList", "PatchKind", "WatchEvent"]

V = TypeVar("V")
PatchKind = Literal["merge", "strategic", "json"]
JSONPatch = list[JSON]  # RFC 6902

_PATCH_TYPES: Mapping[str, str] = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
}

_AT_ONCE = 32  # requests
_GRACE = 30.0  # real seconds that a server may take to end a watch at its timeout


def _query(**parameters: str | int | None) -> str:
    return urlencode({name: value for name, value in parameters.items() if value or value == 0})


class Client:
    """A client of one API server, as one identity (which is the transport's).

    An answer that does not come within `patience` (real seconds) is a `TimeoutError`. Of many requests 32 are sent, the
    others wait: each takes a connection, and a burst of five hundred would do the server no good. Clients with the same
    `turns` wait for each other. `figures` are told of every request but watches.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        user_agent: str = "knarr",
        patience: float = 60.0,
        turns: asyncio.Semaphore | None = None,
        figures: RequestFigures | None = None,
    ) -> None:
        self.transport = transport
        self.user_agent, self.figures = user_agent, figures
        self._patience = patience
        self._turns = turns or asyncio.Semaphore(_AT_ONCE)
        self._headers = {"accept": "application/json", "user-agent": user_agent}

    async def get(
        self, resource: Resource, name: str, namespace: str = "", *, view: type[V], subresource: str = ""
    ) -> V:
        """The object as it is now."""
        return decode_object(await self._send("GET", resource.path(namespace, name, subresource)), view)

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        view: type[V],
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
        resource_version: str | None = None,
    ) -> ObjectList[V]:
        """All objects, or a page of `limit`; without a namespace those of every namespace."""
        query = _query(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            limit=limit or None,
            resourceVersion=resource_version,
            **{"continue": continue_token},
        )
        return decode_list(await self._send("GET", resource.path(namespace), query), view, resource)

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        view: type[V],
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        timeout: int = 0,
    ) -> AsyncGenerator[WatchEvent[V], None]:
        """Changes after `resource_version`, bookmarks among them, until the server ends the watch.

        The server ends it after `timeout` seconds, if given; `TimeoutError` if it does not. Raises `Gone` when the
        revision is compacted: list anew. Close the iterator when leaving early.
        """
        query = _query(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            labelSelector=label_selector,
            fieldSelector=field_selector,
            timeoutSeconds=timeout or None,
        )
        deadline = asyncio.get_running_loop().time() + timeout + _GRACE if timeout else None
        async with asyncio.timeout(self._patience):
            response = await self.transport.stream(Request("GET", resource.path(namespace), query, self._headers))
        try:
            await _refuse_failure(response)
            async for frame in lines(until(deadline, response)):
                yield decode_frame(frame, view)
        finally:
            await response.close()

    @overload
    async def create(
        self, resource: Resource, body: JSON, namespace: str = "", *, name: str = "", subresource: str = ""
    ) -> Object: ...
    @overload
    async def create(
        self,
        resource: Resource,
        body: JSON,
        namespace: str = "",
        *,
        name: str = "",
        subresource: str = "",
        view: type[V],
    ) -> V: ...
    async def create(
        self,
        resource: Resource,
        body: JSON,
        namespace: str = "",
        *,
        name: str = "",
        subresource: str = "",
        view: type[Any] = Object,
    ) -> Any:
        """Create an object; with `name` and `subresource`, POST to its `binding`, `eviction`, `token`."""
        path = resource.path(namespace, name, subresource)
        return decode_object(await self._send("POST", path, body=_complete(body, resource, subresource)), view)

    @overload
    async def update(
        self, resource: Resource, body: JSON, name: str, namespace: str = "", *, subresource: str = ""
    ) -> Object: ...
    @overload
    async def update(
        self, resource: Resource, body: JSON, name: str, namespace: str = "", *, subresource: str = "", view: type[V]
    ) -> V: ...
    async def update(
        self,
        resource: Resource,
        body: JSON,
        name: str,
        namespace: str = "",
        *,
        subresource: str = "",
        view: type[Any] = Object,
    ) -> Any:
        """Replace the object; `Conflict` if the body has a resourceVersion that is not the stored one."""
        path = resource.path(namespace, name, subresource)
        return decode_object(await self._send("PUT", path, body=_complete(body, resource, subresource)), view)

    @overload
    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: JSON | JSONPatch,
        namespace: str = "",
        *,
        kind: PatchKind = "merge",
        subresource: str = "",
    ) -> Object: ...
    @overload
    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: JSON | JSONPatch,
        namespace: str = "",
        *,
        kind: PatchKind = "merge",
        subresource: str = "",
        view: type[V],
    ) -> V: ...
    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: JSON | JSONPatch,
        namespace: str = "",
        *,
        kind: PatchKind = "merge",
        subresource: str = "",
        view: type[Any] = Object,
    ) -> Any:
        """Change the fields that the patch names; with `metadata.resourceVersion` in it, only of that very version."""
        path = resource.path(namespace, name, subresource)
        return decode_object(await self._send("PATCH", path, body=patch, media_type=_PATCH_TYPES[kind]), view)

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        grace: int | None = None,
        propagation: str | None = None,
        uid: str = "",
        resource_version: str = "",
    ) -> None:
        """Delete the object, if given only the one with this uid and resourceVersion; `grace` is in seconds."""
        options: JSON = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        if propagation:
            options["propagationPolicy"] = propagation
        if preconditions := {k: v for k, v in (("uid", uid), ("resourceVersion", resource_version)) if v}:
            options["preconditions"] = preconditions
        await self._send("DELETE", resource.path(namespace, name), body=options)

    async def delete_collection(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        propagation: str = "",
    ) -> None:
        """Delete every object that the selectors match."""
        query = _query(labelSelector=label_selector, fieldSelector=field_selector, propagationPolicy=propagation)
        await self._send("DELETE", resource.path(namespace), query)

    async def document(self, path: str, accept: str = "application/json") -> bytes:
        """What the server has at a path that is no resource: discovery, health, versions."""
        response = await self.transport.request(Request("GET", path, "", {**self._headers, "accept": accept}))
        return _success(response)

    async def close(self) -> None:
        """Close the transport's connections."""
        await self.transport.close()

    async def _send(
        self, method: str, path: str, query: str = "", body: Any = None, media_type: str = "application/json"
    ) -> bytes:
        headers = self._headers if body is None else {**self._headers, "content-type": media_type}
        encoded = b"" if body is None else msgspec.json.encode(body)
        async with self._turns, asyncio.timeout(self._patience):
            response = await self._answered(Request(method, path, query, headers, encoded))
        return _success(response)

    async def _answered(self, request: Request) -> Response:
        if self.figures is None:
            return await self.transport.request(request)
        time, code = asyncio.get_running_loop().time, 0
        begun = time()
        try:
            response = await self.transport.request(request)
            code = response.status
        finally:
            self.figures.answered(request.method, code, time() - begun)
        return response


def _complete(body: JSON, resource: Resource, subresource: str) -> JSON:
    """The body with its resource's kind and apiVersion; a subresource's may be of a kind of its own."""
    if subresource not in ("", "status"):
        return body
    return {"kind": resource.kind, "apiVersion": resource.api_version, **body}


def _success(response: Response) -> bytes:
    if response.status < 400:
        return response.body
    raise error_of(response.status, response.body, response.headers.get("retry-after", ""))


async def _refuse_failure(response: StreamedResponse) -> None:
    if response.status >= 400:
        body = b"".join([chunk async for chunk in response])
        raise error_of(response.status, body, response.headers.get("retry-after", ""))
