"""Which versions of groups are somebody else's: the APIServices that name a Service."""

from __future__ import annotations

from dataclasses import dataclass

from knarr.api.kind import JSON
from knarr.api.paths import each
from knarr.apiserver.followed import Followed
from knarr.apiserver.outbound.targets import Target, service_target
from knarr.apiserver.registry import Registry

GROUP, PLURAL = "apiregistration.k8s.io", "apiservices"


@dataclass(frozen=True, slots=True)
class Registration:
    """One APIService. `target` None: served here."""

    name: str
    uid: str
    group: str
    version: str
    group_priority: int
    version_priority: int
    target: Target | None
    available: bool

    @property
    def path(self) -> str:
        """Where its resources are."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


def registration_of(api_service: JSON) -> Registration:
    """What a stored APIService says."""
    spec, metadata = api_service["spec"], api_service["metadata"]
    conditions = {c.get("type"): c.get("status") for c in each(api_service, "status.conditions")}
    return Registration(
        name=metadata["name"],
        uid=metadata["uid"],
        group=spec.get("group", ""),
        version=spec.get("version", ""),
        group_priority=spec.get("groupPriorityMinimum", 0),
        version_priority=spec.get("versionPriority", 0),
        target=service_target(spec) if spec.get("service") else None,
        available=conditions.get("Available") == "True",
    )


class Registrations:
    """The APIServices as they are now."""

    def __init__(self, registry: Registry) -> None:
        self._followed = Followed(registry, GROUP, PLURAL, registration_of)
        self._seen: tuple[Registration, ...] = ()
        self._remote: dict[tuple[str, str], Registration] = {}

    def all(self) -> tuple[Registration, ...]:
        return self._followed.get()

    def remote(self) -> dict[tuple[str, str], Registration]:
        """Those of other servers, by group and version."""
        found = self._followed.get()
        if found is not self._seen:
            self._seen = found
            self._remote = {(r.group, r.version): r for r in found if r.target}
        return self._remote

    def of_path(self, path: str) -> Registration | None:
        """Whose a request's path is, if it is another server's; the OpenAPI document of a version goes with it."""
        remote = self.remote()
        if not remote:
            return None
        parts = path.removeprefix("/openapi/v3").split("/", 4)
        if len(parts) > 3 and parts[1] == "apis":
            return remote.get((parts[2], parts[3]))
        return remote.get(("", parts[2])) if len(parts) > 2 and parts[1] == "api" else None
