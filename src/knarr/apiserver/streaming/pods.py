"""The subresources of a Pod that its kubelet answers: log, exec, attach, portforward."""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.apiserver.registry import Lister
from knarr.apiserver.request import APIRequest
from knarr.apiserver.streaming.containers import container_of, log_query, pod_path, stream_query
from knarr.apiserver.streaming.kubelets import Kubelets
from knarr.apiserver.streaming.relays import reach, refusal, relayed, switch
from knarr.machinery.errors import BadRequest, InternalError, NotFound, ServiceUnavailable
from knarr.wire.messages import Answer, Request, Response


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
        return relayed(backend)

    async def exec(self, request: APIRequest) -> Answer:
        return await self._container_stream("exec", request)

    async def attach(self, request: APIRequest) -> Answer:
        return await self._container_stream("attach", request)

    async def port_forward(self, request: APIRequest) -> Answer:
        pod = find_pod(self._lister, request)
        return await self._switch(request, pod, pod_path("portForward", pod), "")

    async def _container_stream(self, verb: str, request: APIRequest) -> Answer:
        pod = find_pod(self._lister, request)
        container = container_of(pod, request.parameter("container"))
        return await self._switch(request, pod, pod_path(verb, pod, container), stream_query(request.parameters))

    async def _switch(self, request: APIRequest, pod: JSON, path: str, query: str) -> Answer:
        node = pod["spec"].get("nodeName")
        if not node:
            raise BadRequest(f"pod {pod['metadata']['name']} does not have a host assigned")
        given = request.http.headers
        kept = ("connection", "upgrade", "x-stream-protocol-version")
        headers = {name: given[name] for name in kept if name in given}
        return await switch(await self._kubelets.of(node), Request("POST", path, query, headers))


def find_pod(lister: Lister, request: APIRequest) -> JSON:
    """The Pod that a request names. Raises NotFound."""
    return find(lister, "pods", request.info.namespace, request.info.name)


def find(lister: Lister, plural: str, namespace: str, name: str) -> JSON:
    """A core object. Raises NotFound."""
    found = lister.get("", plural, namespace, name)
    if found is None:
        raise NotFound(f'{plural} "{name}" not found', kind=plural, name=name)
    return found
