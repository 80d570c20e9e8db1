"""The environment of a container: envFrom, env, the downward API, services (https://kubernetes.io/docs/tasks/inject-data-application/).

What the container says wins over what services say; `$(NAME)` refers to services and to what was defined before.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec import field

from knarr.client.client import Client
from knarr.client.objects import JSON, Object, View
from knarr.client.resources import CONFIG_MAPS, SECRETS, Resource
from knarr.kubelet.downward import FieldRef, ResourceFieldRef, field_value, resource_value
from knarr.kubelet.envfiles import parse_env_file
from knarr.kubelet.interfaces import Addresses, ConfigError
from knarr.kubelet.objects import Container, EnvFrom, Pod
from knarr.kubelet.servicelinks import Service, variables_of
from knarr.machinery.errors import APIError, NotFound
from knarr.runtime.informer import Informer

LONGEST_FILE = 64 << 10  # bytes
_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


class KeyRef(View, frozen=True):
    """A ConfigMap or Secret, or one key of it."""

    name: str = ""
    key: str = ""
    optional: bool = False


class FileKeyRef(View, frozen=True):
    """A variable of a file that init containers left in a volume."""

    volume_name: str
    path: str
    key: str
    optional: bool = False


class ValueFrom(View, frozen=True):
    field_ref: FieldRef | None = None
    resource_field_ref: ResourceFieldRef | None = None
    config_map_key_ref: KeyRef | None = None
    secret_key_ref: KeyRef | None = None
    file_key_ref: FileKeyRef | None = None


class Data(Object, frozen=True):
    """A ConfigMap or a Secret, whose values are text or base64."""

    data: dict[str, str] = field(default_factory=dict)


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$(NAME)` replaced where NAME is known and left as it is where not; `$$` is a dollar sign."""

    def replaced(match: re.Match[str]) -> str:
        return "$" if match[1] is None else values.get(match[1], match[0])

    return _REFERENCE.sub(replaced, text)


def references(text: str) -> list[str]:
    """The names that `$(NAME)` refers to."""
    return [match[1] for match in _REFERENCE.finditer(text) if match[1] is not None]


def expand_all(texts: Iterable[str], values: Iterable[tuple[str, str]]) -> list[str]:
    """The same for a command or arguments, given a container's environment."""
    known = dict(values)
    return [expand(text, known) for text in texts]


class Environment:
    """Makes environments.

    `services` are all of the cluster (run by the caller), `allocatable` the node's resources; `read` gives the first
    bytes of a file in a pod's volume.
    """

    def __init__(
        self,
        client: Client,
        services: Informer[Service],
        allocatable: Callable[[], Mapping[str, str]] = dict,
        read: Callable[[Pod, str, str, int], bytes | None] = lambda pod, volume, path, most: None,
    ) -> None:
        self._client = client
        self._services = services
        self._allocatable = allocatable
        self._read = read

    async def environment_of(self, pod: Pod, container: Container, addresses: Addresses) -> list[tuple[str, str]]:
        """Names and values, each name once. Raises ConfigError."""
        await self._services.wait_synced()
        links = variables_of(self._services.list(), pod.metadata.namespace, pod.spec.enable_service_links)
        objects = _Objects(self._client, pod.metadata.namespace)
        own: dict[str, str] = {}
        for source in container.env_from:
            own |= await _values_from(source, objects)
        for variable in container.env:
            value: str | None = expand(variable.value, links | own)
            if not variable.value and variable.value_from:
                value = await self._value(pod, container, variable.value_from, addresses, objects)
            if value is not None:
                own[variable.name] = value
        return list((own | {name: value for name, value in links.items() if name not in own}).items())

    async def _value(
        self, pod: Pod, container: Container, source: JSON, addresses: Addresses, objects: _Objects
    ) -> str | None:
        """The value that `valueFrom` points at; None where it points at something optional that is not there."""
        origin = msgspec.convert(source, ValueFrom)
        if origin.field_ref:
            return field_value(pod, origin.field_ref.field_path, addresses)
        if origin.resource_field_ref:
            return resource_value(pod, origin.resource_field_ref, self._allocatable(), container)
        if origin.config_map_key_ref:
            return await objects.value(CONFIG_MAPS, origin.config_map_key_ref)
        if origin.secret_key_ref:
            return await objects.value(SECRETS, origin.secret_key_ref)
        if origin.file_key_ref:
            return self._from_file(pod, origin.file_key_ref)
        raise ConfigError(f"the environment of container {container.name} has a source that this node does not know")

    def _from_file(self, pod: Pod, reference: FileKeyRef) -> str | None:
        content = self._read(pod, reference.volume_name, reference.path, LONGEST_FILE)
        values = parse_env_file((content or b"").decode(errors="surrogateescape"))
        if reference.key in values or reference.optional:
            return values.get(reference.key)
        where = f'"{reference.path}" of volume "{reference.volume_name}"'
        if content is None:
            raise ConfigError(f"environment variable file {where} not found")
        raise ConfigError(f'environment variable key "{reference.key}" not found in file {where}')


class _Objects:
    """The ConfigMaps and Secrets of one namespace, each read once for one environment."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._read: dict[tuple[Resource, str], dict[str, str] | None] = {}

    async def value(self, resource: Resource, reference: KeyRef) -> str | None:
        data = await self.data(resource, reference)
        if reference.key in data or reference.optional:
            return data.get(reference.key)
        raise ConfigError(f"couldn't find key {reference.key} in {resource.kind} {self._namespace}/{reference.name}")

    async def data(self, resource: Resource, reference: KeyRef) -> Mapping[str, str]:
        """All that the object holds, as text; nothing where it is optional and not there."""
        known = (resource, reference.name)
        if known not in self._read:
            self._read[known] = await self._fetch(resource, reference.name)
        found = self._read[known]
        if found is None and not reference.optional:
            raise ConfigError(f'{resource.kind.lower()} "{reference.name}" not found')
        return found or {}

    async def _fetch(self, resource: Resource, name: str) -> dict[str, str] | None:
        try:
            found = await self._client.get(resource, name, self._namespace, view=Data)
        except NotFound:
            return None
        except (APIError, ConnectionError, TimeoutError) as error:
            raise ConfigError(str(error)) from error
        return _decoded(found.data) if resource is SECRETS else found.data


async def _values_from(source: EnvFrom, objects: _Objects) -> dict[str, str]:
    """All keys of a ConfigMap or Secret, prefixed."""
    resource, spec = (CONFIG_MAPS, source.config_map_ref) if source.config_map_ref else (SECRETS, source.secret_ref)
    data = await objects.data(resource, msgspec.convert(spec or {}, KeyRef))
    return {source.prefix + key: value for key, value in sorted(data.items())}


def _decoded(data: Mapping[str, str]) -> dict[str, str]:
    return {key: b64decode(value).decode(errors="surrogateescape") for key, value in data.items()}
