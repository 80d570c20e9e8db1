"""PATCH: JSON patch, merge patch and strategic merge patch, each a function from the served object to the wanted one;
applied configurations are apply's.

https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from knarr.api.kind import JSON
from knarr.api.types import duplicate_fields, type_of
from knarr.apiserver import media
from knarr.apiserver.audit import trails
from knarr.apiserver.encoding import to_storage
from knarr.apiserver.jsontext import JSONSyntaxError, parse
from knarr.apiserver.verbs import bodies, ownership
from knarr.apiserver.verbs.answers import object_answer
from knarr.apiserver.verbs.apply import APPLY, apply, is_apply
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.parts import MAIN, Part
from knarr.apiserver.verbs.update import based_on
from knarr.apiserver.verbs.writing import Draft, update_object
from knarr.machinery.errors import BadRequest, Invalid, RequestEntityTooLarge
from knarr.machinery.fielderrors import invalid
from knarr.machinery.patches import PatchError, PatchFormatError, json_patch, merge_patch
from knarr.machinery.strategic import strategic_merge
from knarr.machinery.trees import copied
from knarr.wire.messages import Answer

_JSON_PATCH = "application/json-patch+json"
_MERGE_PATCH = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_MOST_OPERATIONS = 10_000
_ACCEPTED = (_JSON_PATCH, _MERGE_PATCH, _STRATEGIC, APPLY)


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch as a function: from the object as it is served to what it becomes, which may share parts with it.

    `touches` names the only fields of the object that it may change; None: any, and they share nothing.
    """

    change: Callable[[JSON], Any]
    touches: Collection[str] | None = None


async def patch(call: Call) -> Answer:
    """Patch the object."""
    return await patch_part(call, MAIN)


async def patch_part(call: Call, part: Part) -> Answer:
    """Patch what `part` says of the object; with no resourceVersion in the patch, on whatever is stored when it
    commits.
    """
    if is_apply(call):
        return await apply(call, part)
    ownership.check_options(call)
    wanted = read_patch(call, call.version.definition)
    stored, _ = await update_object(call, call.name, lambda old, revision: _draft(call, wanted, old, revision), part)
    return object_answer(call, stored)


def read_patch(call: Call, definition: str) -> Patch:
    """The body as a function. Raises UnsupportedMediaType, BadRequest."""
    content_type = call.request.http.headers.get("content-type", "").partition(";")[0].strip().lower()
    accepted = [name for name in _ACCEPTED if name != _STRATEGIC or not call.version.own]  # whose type is not published
    if content_type not in accepted:
        raise media.unknown_format(accepted)
    prefix = "error decoding patch: " if content_type == _MERGE_PATCH else ""
    body = _decode(call, prefix)
    if content_type == _JSON_PATCH:
        if not isinstance(body, list):
            raise BadRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
        if len(body) > _MOST_OPERATIONS:
            most = f"The allowed maximum operations in a JSON patch is {_MOST_OPERATIONS}, got {len(body)}"
            raise RequestEntityTooLarge(f"Request entity too large: {most}")
        return Patch(lambda tree: json_patch(tree, body))
    if not isinstance(body, dict):
        raise BadRequest(f"{prefix}json: cannot unmarshal array into Go value of type map[string]interface {{}}")
    merge = _merging(content_type, definition)
    if call.version.own or any(name.startswith("$") for name in body):
        return Patch(lambda tree: merge(copied(tree), body))
    return Patch(lambda tree: merge(tree, body), body.keys())


def _merging(content_type: str, definition: str) -> Callable[[JSON, JSON], JSON]:
    if content_type == _MERGE_PATCH:
        return merge_patch
    return lambda tree, body: strategic_merge(tree, body, type_of(definition).patch_schema)


def _decode(call: Call, prefix: str) -> Any:
    body = bodies.limited(call)
    try:
        tree = parse(body)
    except JSONSyntaxError as error:
        raise BadRequest(f"{prefix}{error}") from None
    problems = [f'duplicate field "{path}"' for path in duplicate_fields(body, tree)]
    if problems and bodies.is_watched(call) and bodies.report(call, problems):
        raise _strict(call, problems)
    trails.patched(tree)
    return tree


def apply_patch(patch: Patch, tree: JSON) -> Any:
    """Raises an APIError where the patch does not apply."""
    try:
        return patch.change(tree)
    except PatchFormatError as error:
        raise BadRequest(str(error)) from None
    except PatchError:
        raise Invalid("the server rejected our request due to an error in our request") from None


def _draft(call: Call, patch: Patch, old: JSON, revision: int) -> Draft:
    before = ownership.served(call, old)
    before = {**before, "metadata": {**before["metadata"], "resourceVersion": str(revision)}}
    after = apply_patch(patch, before)
    if isinstance(after, dict) and after.get("metadata") is None:
        after["metadata"] = {}
    if not isinstance(after, dict) or not isinstance(after["metadata"], dict):
        raise BadRequest("the patched object has no metadata")
    call.warnings.clear()
    _set_apart(after, patch.touches or ())
    problems = [f'unknown field "{path}"' for path in bodies.retyped(call, after, patch.touches)]
    if problems and bodies.is_watched(call) and bodies.report(call, problems):
        raise _strict(call, problems)
    wanted = based_on(call, after["metadata"])
    return Draft(to_storage(call.version, after), wanted if wanted != revision else None)


def _set_apart(tree: JSON, touched: Collection[str]) -> None:
    """What a patch has changed is decoded and defaulted in place, and must share nothing with what is stored.

    Of the metadata, much of which is the record of owners, values are replaced and never changed.
    """
    tree.update((name, copied(tree[name])) for name in touched if name in tree and name != "metadata")


def _strict(call: Call, problems: list[str]) -> Invalid:
    shown = call.request.http.body.decode(errors="replace")
    return Invalid.of("", "", "", [invalid("patch", shown, f"strict decoding error: {', '.join(problems)}")])
