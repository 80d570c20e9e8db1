"""The subresources of a Pod that its kubelet answers: log, exec, attach, portforward."""

from __future__ import annotations

from urllib.parse import urlencode

from knarr.api.kind import JSON
from knarr.apiserver.registry import Lister
from knarr.apiserver.request import APIRequest
from knarr.apiserver.streaming.containers import container_of, log_query, pod_path, stream_query
from knarr.apiserver.streaming.kubelets import Kubelets
from knarr.apiserver.streaming.relays import reach, refusal, relayed, switch
from knarr.apiserver.streaming.sockets import TUNNELLED, as_messages, tunnelled
from knarr.machinery.errors import BadRequest, InternalError, NotFound, ServiceUnavailable
from knarr.wire import websockets
from knarr.wire.messages import Answer, Request, Response

_SPDY = ("connection", "upgrade", "x-stream-protocol-version")
# The subprotocols of exec, attach and port-forward that the runtime speaks.
_CHANNELS = frozenset(
    ("v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io"),
)


class PodStreams:
    """Finds the Pod's kubelet and passes the request on."""

    def __init__(self, lister: Lister, kubelets: Kubelets) -> None:
        self._lister = lister
        self._kubelets = kubelets

    async def log(self, request: APIRequest) -> Answer:
        """The container's log; nothing (204) while the Pod has no node."""
        pod = find_pod(self._lister, request)
        container = container_of(pod, request.parameter("container"))
        query = log_query(request.info.name, request.parameters)
        if not (node := pod["spec"].get("nodeName")):
            return Response(204)
        kubelet = await self._kubelets.of(node)
        try:
            backend = await reach(kubelet, Request("GET", pod_path("containerLogs", pod, container), query))
        except ServiceUnavailable as error:
            raise InternalError(f"Internal error occurred: {error}") from error
        if not 200 <= backend.status <= 206:
            raise await refusal(backend, "pods", request.info.name)
        if websockets.asked(request.http.headers):
            return as_messages(request.http, backend)
        return relayed(backend)

    async def exec(self, request: APIRequest) -> Answer:
        return await self._container_stream("exec", request)

    async def attach(self, request: APIRequest) -> Answer:
        return await self._container_stream("attach", request)

    async def port_forward(self, request: APIRequest) -> Answer:
        pod = find_pod(self._lister, request)
        path = pod_path("portForward", pod)
        if TUNNELLED in websockets.offered(request.http.headers):
            return await tunnelled(await self._kubelets.of(_node_of(pod)), request.http, path)
        ports = ",".join(request.parameters.get("ports", ()))  # of a WebSocket, where SPDY names each stream's
        return await self._switch(request, pod, path, urlencode({"port": ports}) if ports else "")

    async def _container_stream(self, verb: str, request: APIRequest) -> Answer:
        pod = find_pod(self._lister, request)
        container = container_of(pod, request.parameter("container"))
        return await self._switch(request, pod, pod_path(verb, pod, container), stream_query(request.parameters))

    async def _switch(self, request: APIRequest, pod: JSON, path: str, query: str) -> Answer:
        kubelet = await self._kubelets.of(_node_of(pod))
        method, headers = _upgrade(request.http)
        return await switch(kubelet, Request(method, path, query, headers))


def _node_of(pod: JSON) -> str:
    """Raises BadRequest where nobody has been told to run the Pod."""
    if node := pod["spec"].get("nodeName"):
        return str(node)
    raise BadRequest(f"pod {pod['metadata']['name']} does not have a host assigned")


def _upgrade(http: Request) -> tuple[str, dict[str, str]]:
    """How the kubelet is asked for the client's protocol. Raises BadRequest for one that its runtime does not speak."""
    if websockets.asked(http.headers):
        names = websockets.offered(http.headers)
        if not names or not _CHANNELS.isdisjoint(names):
            return "GET", {name: http.headers[name] for name in websockets.HANDSHAKE if name in http.headers}
    elif "spdy/3.1" in http.headers.get("upgrade", "").lower():
        return "POST", {name: http.headers[name] for name in _SPDY if name in http.headers}
    raise BadRequest("Upgrade request required: the protocols here are SPDY/3.1 and WebSocket's v4.channel.k8s.io")


def find_pod(lister: Lister, request: APIRequest) -> JSON:
    """The Pod that a request names. Raises NotFound."""
    return find(lister, "pods", request.info.namespace, request.info.name)


def find(lister: Lister, plural: str, namespace: str, name: str) -> JSON:
    """A core object. Raises NotFound."""
    found = lister.get("", plural, namespace, name)
    if found is None:
        raise NotFound(f'{plural} "{name}" not found', kind=plural, name=name)
    return found
