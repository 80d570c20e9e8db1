"""Admission of requests that are passed on: the operation CONNECT, its object the options that the query spells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from knarr.api.kind import JSON
from knarr.apiserver.admission.plugin import Form
from knarr.apiserver.api import API
from knarr.apiserver.app import Handler
from knarr.apiserver.request import APIRequest, truthy
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.writing import attributes_of
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


def admitted(api: API, handlers: Mapping[tuple[str, str], Handler]) -> dict[tuple[str, str], Handler]:
    """The handlers, those that connect to something behind admission."""
    return {address: _behind_admission(api, address, handle) for address, handle in handlers.items()}


def _behind_admission(api: API, address: tuple[str, str], handle: Handler) -> Handler:
    if address not in _KINDS:
        return handle

    async def connect(request: APIRequest) -> Answer:
        return await handle(await _admit(api, request, _KINDS[address]))

    return connect


async def _admit(api: API, request: APIRequest, options: str) -> APIRequest:
    """The request as admission leaves it. Raises APIError."""
    kind = api.registry.find("", request.info.resource)
    if kind is None:
        raise NotFound("the server could not find the requested resource")
    call = Call(api.registry, request, kind, kind.storage_version, api.admission)
    tree = _tree(request, options)
    before = dict(tree)
    attributes = attributes_of(call, "CONNECT", tree, None, form=Form("", "v1", options, ""), options={})
    await api.admission.mutate(attributes)
    await api.admission.validate(attributes)
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
