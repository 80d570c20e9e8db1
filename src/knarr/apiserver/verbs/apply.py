"""Server-side apply: PATCH with a configuration, which names what its manager wants and thereby owns.

https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from knarr.api.kind import JSON
from knarr.api.types import typed
from knarr.apiserver import media
from knarr.apiserver.audit import trails
from knarr.apiserver.encoding import api_version, to_storage
from knarr.apiserver.verbs import bodies, lastapplied, ownership
from knarr.apiserver.verbs.across import KindVersions, across
from knarr.apiserver.verbs.answers import object_answer
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.parts import MAIN, Part
from knarr.apiserver.verbs.update import based_on
from knarr.apiserver.verbs.writing import Draft, update_object
from knarr.machinery.apply import applying, managers
from knarr.machinery.apply.applying import Applied, ConflictsError
from knarr.machinery.apply.elements import ElementError
from knarr.machinery.apply.shapes import Problem, Shape
from knarr.machinery.apply.tracking import update
from knarr.machinery.apply.views import Versions
from knarr.machinery.errors import APIError, BadRequest, Cause, Conflict
from knarr.machinery.trees import copied
from knarr.wire.messages import Answer

APPLY = "application/apply-patch+yaml"
_GO_NAMES = {list: "array", str: "string", bool: "bool", int: "number", float: "number"}
_GO_MAP = "map[string]interface {}"
_BEFORE = "before-first-apply"  # owns what there was of an object that nobody was known to own


def is_apply(call: Call) -> bool:
    """Whether a PATCH is one of these."""
    content_type = call.request.http.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower() == APPLY


async def apply(call: Call, part: Part) -> Answer:
    """The object with the configuration applied; it is created where there is none, unless by a subresource."""
    config = read(call, api_version(call.kind, call.version), call.kind.kind, typed(call.version).ownership)
    told = len(call.warnings)
    create = (lambda: _created(call, config, told)) if part is MAIN else None
    stored, created = await update_object(call, call.name, drafting(call, config, part), part, create=create)
    return object_answer(call, stored, 201 if created else 200)


def read(call: Call, version: str, kind: str, shape: Shape) -> JSON:
    """The configuration, held against its type. Raises APIError."""
    ownership.check_options(call, applied=True)
    config = _parse(call)
    trails.patched(config)
    if (config.get("apiVersion"), config.get("kind")) != (version, kind):
        raise BadRequest(f"invalid object type: {_gvk(config)}")
    metadata = config.get("metadata") or {}
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")
    problems: list[Problem] = []
    shape.check(config, "", problems)
    if problems:
        raise _untyped(config, problems)
    return config


def drafting(call: Call, config: JSON, part: Part) -> Callable[[JSON, int], Awaitable[Draft]]:
    """From what is stored to what it becomes."""
    told = len(call.warnings)  # of the configuration itself

    def draft(old: JSON, revision: int, versions: Versions) -> Draft:
        del call.warnings[told:]
        live = ownership.served(call, old)
        applied = _apply(call, config, live, part, versions)
        unchanged = applied.tree == _unowned(live)
        tree = dict(live) if unchanged else copied(applied.tree)
        tree["metadata"] = dict(tree["metadata"])
        _settle(call, tree, config, applied, unchanged=unchanged)
        metadata = config.get("metadata") or {}
        wanted = based_on(call, metadata) if metadata.get("resourceVersion") else None
        return Draft(to_storage(call.version, tree), wanted, owned=True)

    return lambda old, revision: across(call, lambda versions: draft(old, revision, versions))


def _created(call: Call, config: JSON, told: int) -> Draft:
    del call.warnings[told:]
    if uid := (config.get("metadata") or {}).get("uid"):
        why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        raise call.conflict(why)
    applied = _apply(call, config, {}, MAIN, KindVersions(call))
    tree = copied(applied.tree)
    tree["metadata"] = tree.get("metadata") or {}
    _settle(call, tree, config, applied, unchanged=False)
    return Draft(to_storage(call.version, tree), owned=True)


def _settle(call: Call, tree: JSON, config: JSON, applied: Applied, *, unchanged: bool) -> None:
    """Make an object of what an apply has left: typed, defaulted, with its owners."""
    if not unchanged:
        bodies.retyped(call, tree)
    ownership.put(tree["metadata"], applied.managers)
    if call.request.parameter("fieldManager") == lastapplied.KUBECTL:
        lastapplied.renew(tree["metadata"], config)


def _apply(call: Call, config: JSON, live: JSON, part: Part, versions: Versions) -> Applied:
    author, start = ownership.author(call, part), _unowned(live)
    known = managers.stored((live.get("metadata") or {}).get("managedFields"))
    if not known and live:
        known = update({}, versions, {}, start, author._replace(manager=_BEFORE))

    def attempt(*, force: bool) -> Applied:
        return applying.apply(known, versions, start, config, author, force=force)

    try:
        return attempt(force=call.request.flag("force"))
    except ConflictsError as error:
        if remaining := lastapplied.remaining(error, author.manager, start, typed(call.version).ownership):
            raise _conflict(remaining) from None
        return attempt(force=True)
    except ElementError as error:
        raise BadRequest(f"failed to create typed live object ({_named(live)}): {error}") from None


def _unowned(live: JSON) -> JSON:
    """An object without the record of its owners."""
    if "managedFields" not in live.get("metadata", {}):
        return live
    metadata = {name: value for name, value in live["metadata"].items() if name != "managedFields"}
    return {**live, "metadata": metadata}


def _parse(call: Call) -> JSON:
    """The body; JSON is YAML that is quicker to read."""
    body = bodies.limited(call)
    tree = _quickly(body)
    doubled = bodies.is_watched(call) and (tree is None or media.JSON.duplicates(body, tree))
    try:
        tree = (media.YAML.decode(body, "") or {}) if tree is None else tree
    except media.BodyError as error:
        raise BadRequest(f"error decoding YAML: {error}") from None
    if not isinstance(tree, dict):
        what = _GO_NAMES.get(type(tree), "value")
        raise BadRequest(f"error decoding YAML: json: cannot unmarshal {what} into Go value of type {_GO_MAP}")
    if doubled and (listed := _doubled(body, tree)) and bodies.report(call, listed):
        told = f"error converting YAML to JSON: {media.YAML.summed_up(listed)}"
        raise BadRequest(f"error strict decoding YAML: {told}")
    return tree


def _doubled(body: bytes, tree: JSON) -> list[str]:
    """What is named twice, in the words of YAML's decoder where that can read the body: not all JSON is YAML."""
    from knarr.machinery.yamls import YAMLError  # here, as most configurations are JSON and name nothing twice

    try:
        return media.YAML.duplicates(body, tree)
    except YAMLError:
        return media.JSON.duplicates(body, tree)


def _quickly(body: bytes) -> Any:
    """The body as JSON, None where it is not."""
    try:
        return media.JSON.decode(body, "") if body.lstrip().startswith(b"{") else None
    except media.BodyError:
        return None


def _untyped(config: JSON, problems: list[Problem]) -> APIError:
    """Upstream answers 500 as it has no reason for it; the message is the same."""
    listed = str(problems[0]) if len(problems) == 1 else "\n  ".join(["errors:", *map(str, problems)])
    return BadRequest(f"failed to create typed patch object ({_named(config)}): {listed}")


def _named(tree: JSON) -> str:
    metadata = tree.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return f"{metadata.get('namespace', '')}/{metadata.get('name', '')}; {_gvk(tree)}"


def _gvk(tree: JSON) -> str:
    group, _, version = str(tree.get("apiVersion") or "").rpartition("/")
    return f"{group}/{version}, Kind={tree.get('kind') or ''}"


def _conflict(error: ConflictsError) -> Conflict:
    causes = [Cause("FieldManagerConflict", f"conflict with {conflict}", path) for conflict, path in error.named]
    return Conflict(error.message, causes=causes)
