"""Images of containers: present by policy, pulled once for all who wait, with back-off between failures.

Source: https://kubernetes.io/docs/concepts/containers/images/
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import msgspec

from knarr.client.client import Client
from knarr.client.objects import Object
from knarr.client.resources import SECRETS
from knarr.kubelet.cri.runtime import Credentials, Image, NotFoundInRuntime, Runtime, RuntimeFailure
from knarr.kubelet.objects import Container, Pod
from knarr.kubelet.restarts import Restarts
from knarr.machinery.clock import Clock
from knarr.machinery.errors import APIError
from knarr.runtime.events import EventType

Tell = Callable[[EventType, str, str], None]  # type, reason, message of an event about the container
SHOWN = 2.0  # seconds for which ErrImagePull shows before it becomes ImagePullBackOff
REFERENCE = re.compile(
    r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.[a-zA-Z0-9-]+)*(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::[\w][\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,})?"
)


class ImageError(Exception):
    """No image: the container waits with this reason and message, and tries again after `retry` seconds."""

    def __init__(self, reason: str, message: str, retry: float) -> None:
        super().__init__(message)
        self.reason, self.message, self.retry = reason, message, retry


class PullSecret(Object, frozen=True):
    type: str = ""
    data: dict[str, str] = msgspec.field(default_factory=dict)


def with_tag(reference: str) -> str:
    """The reference with `:latest` where it has neither tag nor digest."""
    last = reference.rpartition("/")[2]
    return reference if ":" in last or "@" in last else f"{reference}:latest"


def repository_of(reference: str) -> str:
    """Registry and path of a reference, without tag and digest; docker.io/library/ where it names no registry."""
    path = with_tag(reference).partition("@")[0]
    first, slash, rest = path.partition("/")
    if not slash:
        return f"docker.io/library/{path.partition(':')[0]}"
    name = rest.partition(":")[0]
    return f"{first}/{name}" if first == "localhost" or "." in first or ":" in first else f"docker.io/{first}/{name}"


def claim(pod: Pod, name: str) -> str:
    """The image and the secrets it is asked for with: only pods that agree in both share pulls and failures."""
    secrets = ",".join(reference.name for reference in pod.spec.image_pull_secrets)
    return f"{name} {pod.metadata.namespace}/{secrets}" if secrets else name


def credentials_in(config: bytes, repository: str) -> list[Credentials]:
    """What a Docker configuration, of either form of secret, has for a repository: what names more of it first."""
    entries = msgspec.json.decode(config)
    places = {place_of(server): entry for server, entry in entries.get("auths", entries).items()}
    fitting = [place for place in places if fits(place, repository)]
    return [credentials(places[place]) for place in sorted(fitting, key=len, reverse=True)]


def place_of(server: str) -> str:
    """Host and path of an entry, without the scheme and the API's version that some tools write."""
    place = re.sub(r"^https?://|/(v[12]/?)?$", "", server)
    return re.sub(r"^index\.docker\.io", "docker.io", place)


def fits(place: str, repository: str) -> bool:
    """Labels of the host may be patterns; a path is one of its beginnings."""
    wanted, _, prefix = place.partition("/")
    host, _, path = repository.partition("/")
    labels, patterns = host.split("."), wanted.split(".")
    return len(labels) == len(patterns) and path.startswith(prefix) and all(map(fnmatchcase, labels, patterns))


def credentials(entry: Mapping[str, str]) -> Credentials:
    user, password = entry.get("username", ""), entry.get("password", "")
    if not user and "auth" in entry:
        user, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
    return Credentials(user, password, identity_token=entry.get("identitytoken", ""))


@dataclass(slots=True)
class Pull:
    """A pull under way, shared by all who want the image."""

    task: asyncio.Task[str]
    begun: float


class Images:
    """The images of this node; `arrived` is called when one has come that was not here before."""

    def __init__(
        self, runtime: Runtime, client: Client, clock: Clock, arrived: Callable[[], None] = lambda: None
    ) -> None:
        self.runtime, self.client, self.clock, self.arrived = runtime, client, clock, arrived
        self.restarts = Restarts()
        self.failures: dict[str, tuple[float, str]] = {}  # by claim, when and how the last pull failed
        self.pulls: dict[str, Pull] = {}  # by claim

    async def ensure(self, pod: Pod, container: Container, tell: Tell) -> Image:
        """The container's image, on this node. Raises ImageError."""
        name = container.image
        if not REFERENCE.fullmatch(name):
            text = f'couldn\'t parse image name "{name}": invalid reference format'
            tell("Warning", "InspectFailed", f'Failed to apply default image tag "{name}": {text}')
            raise ImageError("InvalidImageName", f'Failed to apply default image tag "{name}": {text}', 60.0)
        image = await self.runtime.image(with_tag(name))
        if image and container.image_pull_policy != "Always":
            tell(
                "Normal",
                "Pulled",
                f'Container image "{name}" already present on machine and can be accessed by the pod',
            )
            return image
        if container.image_pull_policy == "Never":
            text = f'Container image "{name}" is not present with pull policy of Never'
            tell("Warning", "ErrImageNeverPull", text)
            raise ImageError("ErrImageNeverPull", text, 60.0)
        pulled = await self.pull(pod, name, tell)
        if image is None:
            self.arrived()
        return pulled

    async def pull(self, pod: Pod, name: str, tell: Tell) -> Image:
        key = claim(pod, name)
        self.refuse_early(key, name, tell)
        tell("Normal", "Pulling", f'Pulling image "{name}"')
        asked = self.clock.monotonic()
        pull = self.pulls.get(key) or self.begin(key, pod, name)
        try:
            reference = await asyncio.shield(pull.task)
            image = await self.runtime.image(reference)
        except RuntimeFailure as failure:
            raise self.failed(key, name, failure, tell) from failure
        if image is None:
            raise self.failed(key, name, NotFoundInRuntime("NotFound", f"image {reference} vanished"), tell)
        now = self.clock.monotonic()
        took, waited = duration(now - pull.begun), duration(now - asked)
        text = f'Successfully pulled image "{name}" in {took} ({waited} including waiting).'
        tell("Normal", "Pulled", f"{text} Image size: {image.size} bytes.")
        self.restarts.reset(key)
        return image

    def begin(self, key: str, pod: Pod, name: str) -> Pull:
        pull = self.pulls[key] = Pull(asyncio.create_task(self.fetch(pod, name)), self.clock.monotonic())
        pull.task.add_done_callback(lambda done: self.end(key, done))
        return pull

    def end(self, key: str, task: asyncio.Task[str]) -> None:
        """Its failure is seen even where all who waited have gone."""
        self.pulls.pop(key, None)
        if not task.cancelled():
            task.exception()

    async def fetch(self, pod: Pod, name: str) -> str:
        """With each credential that fits until one is accepted; without where none fits."""
        found = await self.pull_secrets(pod, repository_of(name)) or [None]
        for credential in found[:-1]:
            try:
                return await self.runtime.pull_image(with_tag(name), credential)
            except RuntimeFailure:
                continue
        return await self.runtime.pull_image(with_tag(name), found[-1])

    async def pull_secrets(self, pod: Pod, repository: str) -> list[Credentials | None]:
        """What the pod's imagePullSecrets have for it; a secret that is missing or malformed has nothing."""
        found: list[Credentials | None] = []
        for reference in pod.spec.image_pull_secrets:
            try:
                secret = await self.client.get(SECRETS, reference.name, pod.metadata.namespace, view=PullSecret)
                for key in (".dockerconfigjson", ".dockercfg"):
                    config = base64.b64decode(secret.data.get(key, "e30="))
                    found += credentials_in(config, repository)
            except (APIError, ConnectionError, TimeoutError, msgspec.DecodeError, binascii.Error, AttributeError):
                continue
        return found

    def refuse_early(self, key: str, name: str, tell: Tell) -> None:
        if key not in self.failures:
            return
        failed_at, why = self.failures[key]
        if remaining := self.restarts.remaining(key, failed_at, self.clock.monotonic()):
            text = f'Back-off pulling image "{name}"'
            tell("Normal", "BackOff", text)
            raise ImageError("ImagePullBackOff", f"{text}: ErrImagePull: {why}", remaining)

    def failed(self, key: str, name: str, failure: RuntimeFailure, tell: Tell) -> ImageError:
        now = self.clock.monotonic()
        self.restarts.tried(key, now)
        self.failures[key] = (now, str(failure))
        tell("Warning", "Failed", f'Failed to pull image "{name}": {failure}')
        return ImageError("ErrImagePull", str(failure), SHOWN)

    async def close(self) -> None:
        tasks = [pull.task for pull in self.pulls.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def duration(seconds: float) -> str:
    """As Go writes short durations, to the millisecond."""
    return f"{seconds:.3f}s".replace(".000s", "s") if seconds >= 1 else f"{seconds * 1000:.0f}ms"
