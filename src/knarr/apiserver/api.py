"""The resources of the API: a request for one, to its verb."""

from __future__ import annotations

import re

from knarr.api.kind import JSON, Kind, Version
from knarr.apiserver.admission.admission import Admission
from knarr.apiserver.admission.plugin import Surroundings
from knarr.apiserver.admission.table import PLUGINS
from knarr.apiserver.answers import NOT_FOUND
from knarr.apiserver.audit import trails
from knarr.apiserver.custom import Definitions
from knarr.apiserver.info import RequestInfo
from knarr.apiserver.kinds import Kinds
from knarr.apiserver.metrics.families import DEPRECATED
from knarr.apiserver.outbound import Webhooks
from knarr.apiserver.registry import Options, Registry, tree_of
from knarr.apiserver.request import APIRequest
from knarr.apiserver.verbs.answers import OBJECT_VIEWS, output
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.list import LIST_VIEWS
from knarr.apiserver.verbs.table import UNSTORED, VERBS
from knarr.machinery.clock import Clock
from knarr.machinery.errors import (
    BadRequest,
    InternalError,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    ServiceUnavailable,
)
from knarr.machinery.names import path_segment
from knarr.storage.cache import WatchCache
from knarr.storage.sealing import SealError
from knarr.storage.store import Store, TooLargeError, UnavailableError, UnreadableError
from knarr.wire.messages import Answer

_WRITES = frozenset(("create", "update", "patch", "delete", "deletecollection"))
_OF_MANY = frozenset(("list", "watch", "deletecollection"))
_ANY_VIEW = OBJECT_VIEWS | LIST_VIEWS
_REMOVED = re.compile(r"unavailable in v(\d+\.\d+)")


class API:
    """All requests on stored resources; subresources that are about something else never come here."""

    def __init__(
        self,
        kinds: Kinds,
        store: Store,
        cache: WatchCache,
        clock: Clock,
        options: Options | None = None,
    ) -> None:
        self.registry = Registry(kinds, store, cache, clock, options)
        self.webhooks = Webhooks(self.registry)
        self.admission = Admission(PLUGINS, Surroundings(self.registry, self.webhooks))
        self._definitions = Definitions(self.registry, self.webhooks)

    def start(self) -> None:
        """Serve what the cache, which is loaded now, says is served; it needs a running loop."""
        self._definitions.start()

    async def handle(self, request: APIRequest) -> Answer:
        """Answer a request on a resource. Raises APIError."""
        info, found = request.info, self.addressed(request.info)
        if found is None:
            return self._unknown(info.group)
        kind, version = found
        unstored = UNSTORED.get((info.verb, kind.qualified_resource))
        handler = unstored or VERBS.get((info.verb, info.subresource))
        if handler is None or not _allows(kind, request):
            raise _not_allowed(version, info)
        if version.deprecated:
            self._tell_of_deprecated(kind, version, info.subresource)
        call = Call(self.registry, request, kind, version, self.admission)
        try:
            if info.verb in _WRITES:
                output(call, _ANY_VIEW)  # nothing is done whose outcome the client could not read
                await self.registry.synced()  # another server may have acknowledged what this write is about
            return await handler(call)
        except UnavailableError as error:
            raise ServiceUnavailable(f"the store cannot answer: {error}") from None
        except TooLargeError as error:
            raise RequestEntityTooLarge(str(error)) from None
        except UnreadableError as error:
            raise InternalError(f"Internal error occurred: {error if info.verb in _OF_MANY else error.why}") from None
        except SealError as error:
            raise InternalError(f"Internal error occurred: {error}") from None

    def addressed(self, info: RequestInfo) -> tuple[Kind, Version] | None:
        """The kind and the version at the request's address; None where nobody knows them. Raises NotFound, and
        BadRequest, where they are known and have no such address: authorization has judged by it.
        """
        kind = self.registry.find(info.group, info.resource)
        version = kind.by_version.get(info.version) if kind else None
        if kind is None or version is None:
            return None
        kind = kind.at(version)
        if not _is_address(kind, info) or (info.subresource and info.subresource not in kind.subresources):
            raise _nothing_here()
        for why in path_segment(info.name):  # it becomes a part of the key
            raise BadRequest(f'Name parameter invalid: "{info.name}": {why}')
        return kind, kind.storage_version if kind.converter else version

    def _unknown(self, group: str) -> Answer:
        """As upstream says it: its own groups know that they lack a resource, elsewhere nobody knows the path. Raises
        NotFound.
        """
        if any(kind.group == group and kind.storage_version.published for kind in self.registry.kinds):
            raise _nothing_here()
        return NOT_FOUND

    def _tell_of_deprecated(self, kind: Kind, version: Version, subresource: str) -> None:
        removed = _REMOVED.search(version.deprecated)
        labels = (kind.group, version.name, kind.plural, subresource, removed[1] if removed else "")
        self.registry.metrics.count(DEPRECATED, labels).n = 1
        trails.annotate("k8s.io/deprecated", "true")
        if removed:
            trails.annotate("k8s.io/removed-release", removed[1])

    def close(self) -> None:
        """Forget what is still to happen; watches are ended by who ends their connections."""
        self._definitions.close()
        self.registry.timers.close()
        self.webhooks.close()

    def read(self, kind: Kind, namespace: str, name: str) -> JSON | None:
        """An object of the storage version as the cache has it; None where there is none."""
        entry = self.registry.entry(kind, namespace, name)
        return tree_of(entry) if entry else None


def _is_address(kind: Kind, info: RequestInfo) -> bool:
    """Whether what has a namespace is named in one, and what has none outside, where nobody has rights by a namespace's
    roles; and whether nothing follows that only proxies would pass on.
    """
    if info.rest and info.subresource != "proxy":
        return False
    if kind.namespaced:
        return bool(info.namespace) or not info.name or info.verb in ("list", "watch")
    return not info.namespace or (kind.qualified_resource == "namespaces" and info.namespace == info.name)


def _allows(kind: Kind, request: APIRequest) -> bool:
    """Whether the kind has the verb, at an address of this form."""
    info = request.info
    if info.subresource:
        return bool(info.name)
    homeless = kind.namespaced and not info.namespace
    if (info.verb == "create" and info.name) or (info.verb in ("update", "patch") and not info.name):
        return False
    if homeless and info.verb in ("create", "deletecollection"):
        return False
    return info.verb in kind.verbs


def _not_allowed(version: Version, info: RequestInfo) -> MethodNotAllowed:
    """A definition that goes takes no new objects, and says so."""
    if version.own and info.verb == "create" and not info.name:
        return MethodNotAllowed("create not allowed while custom resource definition is terminating")
    return MethodNotAllowed()


def _nothing_here() -> NotFound:
    return NotFound("the server could not find the requested resource")
