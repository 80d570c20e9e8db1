"""One request on a resource, resolved: what every verb is given."""

from __future__ import annotations

import msgspec

from knarr.api.kind import JSON, Kind, Version
from knarr.apiserver.admission.admission import Admission
from knarr.apiserver.media import META_GROUP
from knarr.apiserver.registry import Registry, key_of
from knarr.apiserver.request import APIRequest
from knarr.machinery.errors import BadRequest, Conflict, Invalid, NotFound
from knarr.machinery.fielderrors import not_supported
from knarr.machinery.times import parse_duration

MOST_SECONDS = 60.0  # that a request may take; upstream's --request-timeout
_DIRECTIVES = ("Ignore", "Strict", "Warn")
_OPTIONS = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}


class Call(msgspec.Struct):
    """A request, the kind and served version that it addresses, and the warnings that its answer will carry."""

    registry: Registry
    request: APIRequest
    kind: Kind
    version: Version
    admission: Admission
    warnings: list[str] = []

    @property
    def namespace(self) -> str:
        return self.request.info.namespace if self.kind.namespaced else ""

    @property
    def name(self) -> str:
        return self.request.info.name

    @property
    def subresource(self) -> str:
        return self.request.info.subresource

    @property
    def key(self) -> str:
        return key_of(self.kind, self.namespace, self.name)

    @property
    def resource(self) -> str:
        """`deployments.apps`, or `deployments.apps/status`."""
        return f"{self.kind.qualified_resource}{f'/{self.subresource}' if self.subresource else ''}"

    def dry_run(self) -> bool:
        """Whether nothing may be stored. Raises Invalid for anything but `All`."""
        values = self.request.parameters.get("dryRun", [])
        for value in values:
            if value != "All":
                raise self.bad_option("dryRun", value, ["All"])
        return bool(values)

    def field_validation(self) -> str:
        """What becomes of fields that are unknown or doubled. Raises Invalid for what is none of the choices."""
        directive = self.request.parameter("fieldValidation") or "Warn"
        if directive not in _DIRECTIVES:
            raise self.bad_option("fieldValidation", directive, list(_DIRECTIVES))
        return directive

    def seconds(self) -> float:
        """Real seconds that the request may take. Raises BadRequest."""
        given = self.request.parameter("timeout")
        if not given:
            return MOST_SECONDS
        try:
            return min(parse_duration(given), MOST_SECONDS) or MOST_SECONDS
        except ValueError as error:
            raise BadRequest(f"invalid timeout specified in the request URL - {error}") from None

    def options(self, operation: str) -> JSON:
        """The request's options as admission is shown them: what its query says."""
        kind = "CreateOptions" if operation == "CREATE" else _OPTIONS.get(self.request.info.verb, "DeleteOptions")
        tree: JSON = {"kind": kind, "apiVersion": f"{META_GROUP}/v1"}
        given = self.request.parameters
        tree.update((name, given[name][0]) for name in ("fieldManager", "fieldValidation") if name in given)
        if "dryRun" in given:
            tree["dryRun"] = given["dryRun"]
        if "force" in given:
            tree["force"] = self.request.flag("force")
        return tree

    @property
    def options_kind(self) -> str:
        """What messages call the request's parameters."""
        return _OPTIONS.get(self.request.info.verb, "DeleteOptions")

    def bad_option(self, name: str, value: str, supported: list[str]) -> Invalid:
        return Invalid.of(META_GROUP, self.options_kind, "", [not_supported(name, value, supported)])

    def not_found(self, name: str = "") -> NotFound:
        name = name or self.name
        return NotFound(
            f'{self.kind.qualified_resource} "{name}" not found',
            kind=self.kind.plural,
            group=self.kind.group,
            name=name,
        )

    def conflict(self, why: str, name: str = "") -> Conflict:
        name = name or self.name
        return Conflict(
            f'Operation cannot be fulfilled on {self.kind.qualified_resource} "{name}": {why}',
            kind=self.kind.plural,
            group=self.kind.group,
            name=name,
        )
