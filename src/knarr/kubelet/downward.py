"""What a pod may know about itself: fieldRef and resourceFieldRef.

https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from knarr.client.objects import View
from knarr.kubelet.interfaces import Addresses, ConfigError
from knarr.kubelet.objects import Container, Pod
from knarr.machinery.quantity import Quantity, parse

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")
_UNPRINTABLE = re.compile(r"\\u00([0-9a-f]{2})")


class FieldRef(View, frozen=True):
    field_path: str
    api_version: str = "v1"


class ResourceFieldRef(View, frozen=True):
    resource: str
    container_name: str = ""
    divisor: str | int | float = "0"


def field_value(pod: Pod, path: str, addresses: Addresses | None = None) -> str:
    """The pod's field; what depends on addresses only where they are known. Raises ConfigError for others."""
    values = {
        "metadata.name": pod.metadata.name,
        "metadata.namespace": pod.metadata.namespace,
        "metadata.uid": pod.uid,
        "metadata.labels": _listed(pod.metadata.labels),
        "metadata.annotations": _listed(pod.metadata.annotations),
        "spec.nodeName": pod.spec.node_name,
        "spec.serviceAccountName": pod.spec.service_account_name,
    }
    if addresses:
        values |= {
            "status.hostIP": addresses.host_ip,
            "status.hostIPs": ",".join(addresses.host_ips),
            "status.podIP": addresses.pod_ip,
            "status.podIPs": ",".join(addresses.pod_ips),
        }
    if subscript := _SUBSCRIPT.fullmatch(path):
        return _entry(pod, subscript[1], subscript[2])
    if path not in values:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return values[path]


def resource_value(
    pod: Pod, reference: ResourceFieldRef, allocatable: Mapping[str, str], container: Container | None = None
) -> str:
    """A request or limit in units of the divisor, rounded up; no limit means the node's all. Raises ConfigError."""
    asked = container if not reference.container_name else _container(pod, reference.container_name)
    kind, _, resource = reference.resource.partition(".")
    if asked is None or kind not in ("limits", "requests") or not resource:
        raise ConfigError(f"unsupported container resource : {reference.resource}")
    amount = _amount(asked, kind, resource, allocatable)
    divisor = parse(reference.divisor).nano or 10**9
    return str(-(-amount.nano // divisor))


def _amount(container: Container, kind: str, resource: str, allocatable: Mapping[str, str]) -> Quantity:
    given = (container.resources.limits if kind == "limits" else container.resources.requests).get(resource)
    if given is None and kind == "limits":
        given = allocatable.get(resource)
    return parse(given or "0")


def _container(pod: Pod, name: str) -> Container:
    for container in (*pod.spec.containers, *pod.spec.init_containers):
        if container.name == name:
            return container
    raise ConfigError(f"container {name} not found")


def _entry(pod: Pod, field: str, key: str) -> str:
    return (pod.metadata.labels if field == "labels" else pod.metadata.annotations).get(key, "")


def _listed(pairs: Mapping[str, str]) -> str:
    """One `key="value"` per line, sorted."""
    return "\n".join(f"{key}={_quoted(value)}" for key, value in sorted(pairs.items()))


def _quoted(text: str) -> str:
    """Quoted as Go quotes it: like JSON, but that control characters are two hexadecimal digits after an x."""
    return _UNPRINTABLE.sub(r"\\x\1", msgspec.json.encode(text).decode())
