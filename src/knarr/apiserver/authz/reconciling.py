"""The default roles and bindings, brought about when a server starts.

What is missing is created, and what upstream's policy has is added to what is there; what users have added stays. An
object whose annotation `autoupdate` is "false" is left alone.
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.apiserver.authz.covering import uncovered
from knarr.apiserver.authz.rules import GROUP
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.registry import Registry, born, key_of
from knarr.machinery.times import format_time
from knarr.storage.store import ConflictError, UnavailableError, Write

AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
_TOGETHER = 60  # writes in one commit: etcd takes 128 operations in a transaction
_ATTEMPTS = 10  # when another server is about the same


async def ensure_policy(registry: Registry) -> None:
    """Bring all of them about. Raises StoreError."""
    from knarr.apiserver.authz.defaults.objects import default_objects  # needed once

    for _ in range(_ATTEMPTS):
        writes = [write for plural, tree in default_objects() for write in _writes(registry, plural, tree)]
        try:
            for start in range(0, len(writes), _TOGETHER):
                await registry.commit(writes[start : start + _TOGETHER])
        except ConflictError:
            await registry.synced()
        else:
            return
    raise UnavailableError("too many writers of the default roles at once")


def _writes(registry: Registry, plural: str, tree: JSON) -> Iterator[Write]:
    """What brings the object about; nothing where it is as it should be, or nobody can say."""
    kind = registry.find(GROUP, plural)
    if kind is None:
        return
    key = key_of(kind, tree["metadata"].get("namespace", ""), tree["metadata"]["name"])
    if key in registry.cache.unreadable:
        return
    entry = registry.cache.get(key)
    if entry is None:
        yield Write(key, to_stored(born(tree, format_time(registry.clock.now()))), expected=0)
        return
    found = orjson.loads(entry.value)
    if dig(found, "metadata.annotations", {}).get(AUTOUPDATE) != "false":
        wanted = reconciled(found, tree)
        if wanted is tree:
            wanted = born(
                tree, format_time(registry.clock.now())
            )  # another binding in its place, as a binding's role cannot be changed
        if wanted != found:
            yield Write(key, to_stored(wanted), expected=entry.revision)


def reconciled(found: JSON, tree: JSON) -> JSON:
    """A stored role or binding with what the default has and it lacks; a binding of another role is the default."""
    if "roleRef" in tree and found["roleRef"] != tree["roleRef"]:
        return tree
    metadata = {**found["metadata"]}
    for name in ("labels", "annotations"):
        metadata[name] = {**tree["metadata"][name], **(metadata.get(name) or {})}
    wanted = {**found, "metadata": metadata}
    if "roleRef" in tree:
        more = [subject for subject in each(tree, "subjects") if subject not in each(found, "subjects")]
        return _added(wanted, found, "subjects", more)
    if "aggregationRule" in tree:
        return _gathering(wanted, tree)
    if each(found, "rules") == each(tree, "rules"):  # as it nearly always is, and this is the cheaper question
        return wanted
    return _added(wanted, found, "rules", uncovered(each(found, "rules"), each(tree, "rules")))


def _gathering(wanted: JSON, tree: JSON) -> JSON:
    path = "aggregationRule.clusterRoleSelectors"
    known = each(wanted, path)
    more = [selector for selector in each(tree, path) if selector not in known]
    return {**wanted, "aggregationRule": {"clusterRoleSelectors": [*known, *more]}} if more else wanted


def _added(wanted: JSON, found: JSON, name: str, more: list[JSON]) -> JSON:
    return {**wanted, name: [*each(found, name), *more]} if more else wanted
