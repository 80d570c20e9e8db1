"""Probes and lifecycle hooks, and the ways both of them act."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import named, one_source, port_or_name
from knarr.api.kind import JSON, Rules
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.machinery.names import http_header_name

_CORE = "io.k8s.api.core.v1"
_ACTIONS = ("exec", "grpc", "httpGet", "sleep", "tcpSocket")


def _handler(handler: JSON, path: str) -> Iterable[FieldError]:
    yield from one_source(path, handler, _ACTIONS, "handler type")


def _probe(probe: JSON, path: str) -> Iterable[FieldError]:
    yield from _handler(probe, path)
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        yield invalid(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than 0")


def _http_get(action: JSON, path: str) -> Iterable[FieldError]:
    yield from port_or_name(f"{path}.port", action.get("port"))
    for header in action.get("httpHeaders") or ():
        yield from named(f"{path}.httpHeaders", header.get("name", ""), http_header_name)


def _socket(action: JSON, path: str) -> Iterable[FieldError]:
    yield from port_or_name(f"{path}.port", action.get("port"))


RULES = (
    Rules(f"{_CORE}.HTTPHeader", undemanded=("name", "value")),
    Rules(
        f"{_CORE}.Probe",
        defaults={"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
        bounds={
            "initialDelaySeconds": (0, None),
            "timeoutSeconds": (0, None),
            "periodSeconds": (0, None),
            "successThreshold": (0, None),
            "failureThreshold": (0, None),
        },
        validate=_probe,
    ),
    Rules(f"{_CORE}.LifecycleHandler", validate=_handler),
    Rules(
        f"{_CORE}.HTTPGetAction",
        defaults={"path": "/", "scheme": "HTTP"},
        required=("path",),
        enums={"scheme": ("HTTP", "HTTPS")},
        validate=_http_get,
    ),
    Rules(f"{_CORE}.TCPSocketAction", validate=_socket),
    Rules(f"{_CORE}.GRPCAction", defaults={"service": ""}, bounds={"port": (1, 65535)}),
    Rules(f"{_CORE}.ExecAction", required=("command",)),
)
