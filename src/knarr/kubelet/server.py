"""The kubelet's HTTPS application: what the API server asks of a node, and what operators look at.

    /containerLogs/{namespace}/{pod}/{container}        /pods          /healthz
    /exec/{namespace}/{pod}[/{uid}]/{container}         /metrics
    /attach/{namespace}/{pod}[/{uid}]/{container}       /stats/summary
    /portForward/{namespace}/{pod}[/{uid}]              /run/{namespace}/{pod}[/{uid}]/{container}

Failures are plain text, as upstream's kubelet words them: the API server wraps them in a Status.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from knarr.client.client import Client
from knarr.client.objects import JSON
from knarr.client.resources import PODS
from knarr.kubelet import summaries
from knarr.kubelet.access.callers import Callers
from knarr.kubelet.access.rights import Rights, wanted
from knarr.kubelet.cri.runtime import ContainerState, NotFoundInRuntime, Runtime, RuntimeFailure
from knarr.kubelet.interfaces import Instance, Pods
from knarr.kubelet.logstreams import LogStream
from knarr.kubelet.logtext import LogOptions
from knarr.kubelet.objects import Pod
from knarr.kubelet.tunnels import tunnel
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError, BadRequest, MethodNotAllowed, NotFound
from knarr.machinery.figures import CONTENT_TYPE, Figures, rendered
from knarr.wire.messages import Answer, Peer, Request, Response, Sink, Streaming

_TEXT = {"content-type": "text/plain; charset=utf-8"}
_JSON = {"content-type": "application/json"}
_TRUE = ("true", "1")
_RUN_LIMIT = 600.0  # seconds that a command of /run may take
_PULLING = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}

Parameters = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Node:
    """What the server speaks for."""

    name: str
    pods: Pods
    runtime: Runtime
    client: Client
    clock: Clock
    figures: Figures = field(default_factory=Figures)


class KubeletServer:
    """An Application of wire's server, which has the TLS context with the client CA."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._callers = Callers(node.client, node.clock)
        self._rights = Rights(node.client, node.clock, node.name)
        self._plain: dict[str, Callable[[], Awaitable[Response]]] = {
            "healthz": self._healthz,
            "pods": self._pods,
            "metrics": self._metrics,
            "stats/summary": self._summary,
        }
        self._streams: dict[str, Callable[[Request, list[str]], Awaitable[Answer]]] = {
            "containerLogs": self._logs,
            "exec": self._exec,
            "attach": self._attach,
            "portForward": self._port_forward,
            "run": self._run,
        }

    async def __call__(self, request: Request, peer: Peer) -> Answer:
        try:
            caller = await self._callers.identify(request, peer)
            await self._rights.require(caller, wanted(request.method, request.path))
            return await self._route(request)
        except NotFoundInRuntime as error:
            return Response(404, _TEXT, f"{error}\n".encode())
        except (RuntimeFailure, ConnectionError, TimeoutError) as error:
            return Response(500, _TEXT, f"{error}\n".encode())
        except APIError as error:
            return Response(error.code, _TEXT, f"{error}\n".encode())

    async def _route(self, request: Request) -> Answer:
        path = request.path.strip("/")
        kind, *rest = path.split("/")
        if plain := self._plain.get(path):
            if request.method not in ("GET", "HEAD"):
                raise MethodNotAllowed("405: Method Not Allowed")
            return await plain()
        if (stream := self._streams.get(kind)) and 2 <= len(rest) <= 4:
            return await stream(request, rest)
        raise NotFound("404: Page Not Found")

    async def _logs(self, request: Request, place: list[str]) -> Answer:
        pod, name = self._place(place)
        options = LogOptions.parse(request.parameters(), self._node.clock.now())
        instance = self._instance(pod, name, options.previous)
        path = _existing(instance.log_path)

        async def start(sink: Sink) -> None:
            await LogStream(path, options, sink, self._node.clock, lambda: self._running(instance.id)).copy()
            sink.close()

        return Streaming(start, headers=_TEXT)

    async def _exec(self, request: Request, place: list[str]) -> Answer:
        container, parameters = self._running_instance(place), request.parameters()
        command = parameters.get("command")
        if not command:
            raise BadRequest("you must specify at least 1 command to execute")
        return await tunnel(request, await self._node.runtime.exec_url(container.id, command, **_streams(parameters)))

    async def _attach(self, request: Request, place: list[str]) -> Answer:
        container = self._running_instance(place)
        url = await self._node.runtime.attach_url(container.id, **_streams(request.parameters()))
        return await tunnel(request, url)

    async def _port_forward(self, request: Request, place: list[str]) -> Answer:
        pod = self._pod(place)
        sandbox = self._node.pods.sandbox(pod.uid)
        if not sandbox:
            raise NotFound(f'not able to find the sandbox of pod "{pod.metadata.name}"')
        ports = [int(port) for given in request.parameters().get("port", []) for port in given.split(",")]
        return await tunnel(request, await self._node.runtime.port_forward_url(sandbox, ports))

    async def _run(self, request: Request, place: list[str]) -> Answer:
        container, parameters = self._running_instance(place), request.parameters()
        command = parameters.get("cmd", [""])[0].split()
        if request.method != "POST" or not command:
            raise BadRequest("POST a command as the parameter cmd")
        done = await self._node.runtime.exec_sync(container.id, command, _RUN_LIMIT)
        return Response(500 if done.exit_code else 200, _TEXT, done.stdout + done.stderr)

    async def _healthz(self) -> Response:
        return Response(200, _TEXT, b"ok")

    async def _pods(self) -> Response:
        """The pods of this node, whole, as the API server has them."""
        found = await self._node.client.list(PODS, view=dict, field_selector=f"spec.nodeName={self._node.name}")
        listed: JSON = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": found.items}
        return Response(200, _JSON, msgspec.json.encode(listed))

    async def _metrics(self) -> Response:
        containers = await self._node.runtime.containers()
        told = [*summaries.metrics(self._node.name, containers), *self._node.figures.lines()]
        return Response(200, {"content-type": CONTENT_TYPE}, rendered(told))

    async def _summary(self) -> Response:
        stats = await self._node.runtime.stats()
        return Response(
            200, _JSON, msgspec.json.encode(summaries.summary(self._node.name, self._node.pods.all(), stats))
        )

    async def _running(self, container_id: str) -> bool:
        try:
            return (await self._node.runtime.container_status(container_id)).state is ContainerState.RUNNING
        except NotFoundInRuntime:
            return False
        except RuntimeFailure:
            return True  # the runtime restarts, its containers go on

    def _pod(self, place: list[str]) -> Pod:
        """The pod of `namespace/name` or `namespace/name/uid`."""
        namespace, name, *uid = place
        pod = self._node.pods.get(namespace, name, uid[0] if uid else "")
        if pod is None:
            raise NotFound(f'pod "{name}" not found')
        return pod

    def _place(self, place: list[str]) -> tuple[Pod, str]:
        """The pod, and the container's name at the end of the path, which one of its containers must have."""
        if len(place) < 3:
            raise NotFound("404: Page Not Found")
        pod, name = self._pod(place[:-1]), place[-1]
        if name not in {container.name for container in pod.spec.all_containers}:
            raise NotFound(f'container "{name}" not found in pod "{pod.metadata.name}"')
        return pod, name

    def _running_instance(self, place: list[str]) -> Instance:
        pod, name = self._place(place)
        instance = self._node.pods.instance(pod.uid, name)
        if instance is None or not instance.running:
            raise NotFound(f'container not found ("{name}")')
        return instance

    def _instance(self, pod: Pod, name: str, previous: bool) -> Instance:
        instance = self._node.pods.instance(pod.uid, name, previous)
        if instance:
            return instance
        if previous:
            raise BadRequest(f'previous terminated container "{name}" in pod "{pod.metadata.name}" not found')
        reason = _waiting(pod, name)
        raise BadRequest(
            f'container "{name}" in pod "{pod.metadata.name}" is waiting to start: {_PULLING.get(reason, reason)}'
        )


def _existing(path: str) -> Path:
    if not Path(path).exists():
        raise BadRequest(f"failed to try resolving symlinks in path {path}: no such file or directory")
    return Path(path)


def _waiting(pod: Pod, container: str) -> str:
    """Why the container has not started, as the pod's status says."""
    for status in pod.status.all_statuses:
        if status.get("name") == container:
            return str(status.get("state", {}).get("waiting", {}).get("reason", "ContainerCreating"))
    return "ContainerCreating"


def _streams(parameters: Parameters) -> dict[str, bool]:
    """Which streams are wanted, in the CRI's terms; a terminal has no standard error of its own."""

    def wants(name: str) -> bool:
        return parameters.get(name, [""])[0] in _TRUE

    tty = wants("tty")
    streams = {"stdin": wants("input"), "stdout": wants("output"), "stderr": wants("error") and not tty, "tty": tty}
    if not any((streams["stdin"], streams["stdout"], streams["stderr"])):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    return streams
