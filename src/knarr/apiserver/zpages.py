"""/statusz and /flagz: what runs here, since when, and how it was told to, for people who look for a fault.

https://kubernetes.io/docs/reference/instrumentation/zpages/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from knarr import KUBERNETES_VERSION
from knarr.apiserver.answers import json_answer, plain_answer
from knarr.apiserver.media import accepted
from knarr.apiserver.registry import Options
from knarr.machinery.clock import Clock
from knarr.machinery.errors import NotAcceptable
from knarr.machinery.times import format_time
from knarr.wire.messages import Request, Response

JSON = dict[str, Any]

_NAME, _GROUP, _VERSIONS = "kube-apiserver", "config.k8s.io", ("v1beta1", "v1alpha1")
_PATHS = ("/debug", "/flagz", "/healthz", "/livez", "/metrics", "/openid", "/readyz", "/statusz", "/version")
_WARNING = (
    "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is "
    "for debugging purposes only."
)


def zpages(options: Options, issuers: Sequence[str], clock: Clock) -> Mapping[str, Callable[[Request], Response]]:
    """The pages by their paths; the server starts now."""
    started, flags = clock.now(), _flags(options, issuers)

    def statusz(request: Request) -> Response:
        up = int((clock.now() - started).total_seconds())
        text = {
            "Started": f"{started:%a %b %e %H:%M:%S UTC %Y}",
            "Up": f"{up // 3600} hr {up // 60 % 60:02} min {up % 60:02} sec",
            "Go version": "",
            "Binary version": _BINARY,
            "Emulation version": _EMULATED,
            "Paths": " ".join(_PATHS),
        }
        tree = {
            "startTime": format_time(started),
            "uptimeSeconds": up,
            "goVersion": "",
            "binaryVersion": _BINARY,
            "emulationVersion": _EMULATED,
            "paths": _PATHS,
        }
        return _page(request, "Statusz", "statusz", [f"{name}: {value}" for name, value in text.items()], tree)

    def flagz(request: Request) -> Response:
        return _page(request, "Flagz", "flags", [f"{k}={v}" for k, v in flags.items()], {"flags": flags})

    return {"/statusz": statusz, "/flagz": flagz}


_BINARY = KUBERNETES_VERSION.removeprefix("v")
_EMULATED = ".".join(_BINARY.split(".")[:2])


def _page(request: Request, kind: str, title: str, lines: list[str], tree: JSON) -> Response:
    """As text, unless the client names the structured form. Raises NotAcceptable."""
    for name, parameters in accepted(request.headers.get("accept", "")):
        if name in ("text/plain", "text/*", "*/*"):
            return plain_answer("\n".join(["", f"{_NAME} {title}", _WARNING, "", *lines, ""]))
        version = parameters.get("v", "")
        asked = (name, parameters.get("g"), parameters.get("as"), version in _VERSIONS)
        if asked == ("application/json", _GROUP, kind, True):
            head = {"kind": kind, "apiVersion": f"{_GROUP}/{version}", "metadata": {"name": _NAME}}
            return json_answer({**head, **tree})
    listed = ", ".join(f"application/json;v={version};g={_GROUP};as={kind}" for version in _VERSIONS)
    raise NotAcceptable(f"only the following media types are accepted: text/plain, {listed}")


def _flags(options: Options, issuers: Sequence[str]) -> Mapping[str, str]:
    """What upstream's server would be told to be as this one is."""
    ports = options.node_ports
    return {
        "advertise-address": options.advertise_address,
        "enable-priority-and-fairness": "true",
        "event-ttl": "1h0m0s",
        "min-request-timeout": str(int(options.watch_timeout)),
        "request-timeout": "1m0s",
        "secure-port": str(options.advertise_port),
        "service-account-issuer": f"[{','.join(issuers)}]",
        "service-cluster-ip-range": str(options.service_cidr),
        "service-node-port-range": f"{ports.start}-{ports.stop - 1}",
    }
