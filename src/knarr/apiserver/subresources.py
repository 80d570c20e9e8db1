"""What the subresources are: the kind that each one reads or answers, and its verbs."""

from __future__ import annotations

from dataclasses import dataclass

from knarr.api.kind import Kind


@dataclass(frozen=True, slots=True)
class Subresource:
    """A subresource; without `kind` it is its resource's own kind, without `version` that kind's group and version."""

    name: str
    verbs: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""


_CONNECT = ("create", "get")
_ALL_METHODS = ("create", "delete", "get", "patch", "update")
_WRITE = ("get", "patch", "update")

_KNOWN: dict[str, Subresource] = {
    sub.name: sub
    for sub in (
        Subresource("approval", _WRITE),
        Subresource("attach", _CONNECT, "PodAttachOptions", "", "v1"),
        Subresource("binding", ("create",), "Binding", "", "v1"),
        Subresource("ephemeralcontainers", _WRITE),
        Subresource("eviction", ("create",), "Eviction", "policy", "v1"),
        Subresource("exec", _CONNECT, "PodExecOptions", "", "v1"),
        Subresource("finalize", ("update",)),
        Subresource("log", ("get",)),
        Subresource("portforward", _CONNECT, "PodPortForwardOptions", "", "v1"),
        Subresource("resize", _WRITE),
        Subresource("scale", _WRITE, "Scale", "autoscaling", "v1"),
        Subresource("status", _WRITE),
        Subresource("token", ("create",), "TokenRequest", "authentication.k8s.io", "v1"),
    )
}
_PROXIES = {"pods": "PodProxyOptions", "nodes": "NodeProxyOptions", "services": "ServiceProxyOptions"}


def subresources_of(kind: Kind) -> list[Subresource]:
    """A kind's subresources, by name."""
    return [_subresource(kind, name) for name in sorted(kind.subresources)]


def _subresource(kind: Kind, name: str) -> Subresource:
    if name == "proxy":
        return Subresource(name, _ALL_METHODS, _PROXIES[kind.plural], "", "v1")
    return _KNOWN[name]
