"""Admission of requests that other handlers answer than the verbs.

What connects to something behind us is the operation CONNECT, its object the options that the query spells; a
TokenRequest is created, though nothing is stored of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from msgspec.structs import replace

from knarr.api.kind import JSON
from knarr.api.types import DecodeError, type_of
from knarr.apiserver import media
from knarr.apiserver.admission.plugin import Form
from knarr.apiserver.api import API
from knarr.apiserver.app import Handler
from knarr.apiserver.audit import trails
from knarr.apiserver.request import APIRequest, truthy
from knarr.apiserver.verbs.attributes import admit_as, attributes_of
from knarr.apiserver.verbs.authorizing import require_create
from knarr.apiserver.verbs.call import Call
from knarr.machinery.errors import NotFound
from knarr.wire.messages import Answer

_FLAGS = {"stdin": False, "stdout": True, "stderr": True, "tty": False}  # of exec and attach, with their defaults
_KINDS = {
    ("pods", "exec"): "PodExecOptions",
    ("pods", "attach"): "PodAttachOptions",
    ("pods", "portforward"): "PodPortForwardOptions",
    ("pods", "proxy"): "PodProxyOptions",
    ("services", "proxy"): "ServiceProxyOptions",
    ("nodes", "proxy"): "NodeProxyOptions",
}


_INTERACTIVE = ("attach", "exec", "portforward")
_TOKEN = ("serviceaccounts", "token")
_TOKEN_FORM = Form("authentication.k8s.io", "v1", "TokenRequest", "io.k8s.api.authentication.v1.TokenRequest")


def admitted(api: API, handlers: Mapping[tuple[str, str], Handler]) -> dict[tuple[str, str], Handler]:
    """The handlers, those that admission has a say in behind it."""
    return {address: _behind_admission(api, address, handle) for address, handle in handlers.items()}


def _behind_admission(api: API, address: tuple[str, str], handle: Handler) -> Handler:
    if address not in _KINDS and address != _TOKEN:
        return handle

    async def admit(request: APIRequest) -> Answer:
        call = _call(api, request)
        if address == _TOKEN:
            return await handle(await _created(call))
        return await handle(await _connected(call, _KINDS[address]))

    return admit


def _call(api: API, request: APIRequest) -> Call:
    kind = api.registry.find("", request.info.resource)
    if kind is None:
        raise NotFound("the server could not find the requested resource")
    return Call(api.registry, request, kind, kind.storage_version, api.admission)


async def _created(call: Call) -> APIRequest:
    """A request for a token as admission leaves it; what cannot be read is the handler's to refuse. Raises APIError."""
    http = call.request.http
    if call.request.info.verb != "create":
        return call.request
    given = media.to_json(http.headers.get("content-type", ""), http.body, _TOKEN_FORM.definition)
    try:
        tree: JSON = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", **orjson.loads(given)}
        type_of(_TOKEN_FORM.definition).decode(tree)
        trails.asked(tree)
    except (orjson.JSONDecodeError, DecodeError, TypeError):
        return call.request
    tree["metadata"] = {"name": call.name, **(tree.get("metadata") or {})}
    await admit_as(call, tree, _TOKEN_FORM)
    headers = {**http.headers, "content-type": media.JSON.name}
    return replace(call.request, http=replace(http, headers=headers, body=orjson.dumps(tree)))


async def _connected(call: Call, options: str) -> APIRequest:
    """The request as admission leaves it. Raises APIError."""
    request = call.request
    if request.info.verb == "get" and request.info.subresource in _INTERACTIVE:
        await require_create(call)  # a WebSocket comes by GET, and does what POST does
    tree = _tree(request, options)
    before = dict(tree)
    attributes = attributes_of(call, "CONNECT", tree, None, form=Form("", "v1", options, ""), options={})
    await call.admission.mutate(attributes)
    await call.admission.validate(attributes)
    return request if tree == before else replace(request, parameters=_parameters(tree))


def _tree(request: APIRequest, options: str) -> JSON:
    """The options as an object."""
    given, tree = request.parameters, {"kind": options, "apiVersion": "v1"}
    if request.info.subresource == "proxy":
        return {**tree, "path": request.info.rest} if request.info.rest else tree
    if request.info.subresource == "portforward":
        return {**tree, **({"ports": [int(p) for p in given["ports"] if p.isdecimal()]} if "ports" in given else {})}
    flags = {name: truthy(given[name]) if name in given else default for name, default in _FLAGS.items()}
    named = {"container": given["container"][0]} if "container" in given else {}
    command = {"command": given["command"]} if "command" in given else {}
    return {**tree, **{name: True for name, value in flags.items() if value}, **named, **command}


def _parameters(tree: JSON) -> dict[str, list[str]]:
    """The query that spells these options."""
    return {name: _words(value) for name, value in tree.items() if name not in ("kind", "apiVersion", "path")}


def _words(value: Any) -> list[str]:
    if isinstance(value, bool):
        return [str(value).lower()]
    return [str(word) for word in value] if isinstance(value, list) else [str(value)]
