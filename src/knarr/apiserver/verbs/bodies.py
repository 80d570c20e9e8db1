"""Bodies to trees: media type, kind and version, and what a client is told of fields that the schema does not know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from knarr.api.kind import JSON, ObjectType
from knarr.api.types import DecodeError, Type, typed
from knarr.apiserver import media
from knarr.apiserver.audit import trails
from knarr.apiserver.encoding import api_version
from knarr.apiserver.specs import REPEATED, restored
from knarr.apiserver.verbs.call import Call
from knarr.machinery.errors import BadRequest, RequestEntityTooLarge


def read_object(call: Call) -> JSON:
    """The request's body as a defaulted tree of the kind and version that the URL names.

    Raises BadRequest, UnsupportedMediaType, RequestEntityTooLarge.
    """
    return read_as(call, call.kind.kind, (api_version(call.kind, call.version),), typed(call.version))


def read_as(call: Call, kind: str, api_versions: Sequence[str], model: ObjectType) -> JSON:
    """The request's body as a defaulted tree of another kind (Scale, Binding, Eviction), the first version unless
    named.
    """
    tree = _read(call, kind, api_versions, model)
    trails.asked(tree)
    return tree


def _read(call: Call, kind: str, api_versions: Sequence[str], model: ObjectType) -> JSON:
    chosen, body = media.media_type(call.request.http.headers.get("content-type", "")), limited(call)
    repeated = chosen is media.JSON and model.definition in REPEATED
    recalled = call.registry.specs.recall(body) if repeated else None
    text = recalled.rest if recalled else body
    tree = _parse(text, chosen, kind, model.definition)
    doubled = chosen.duplicates(text, tree) if is_watched(call) else []
    tree = _named(tree, kind, api_versions)
    unknown = [f'unknown field "{path}"' for path in _typed(tree, model, kind, api_versions[0])]
    if (doubled or unknown) and report(call, doubled + unknown):
        told = ", ".join([*([chosen.summed_up(doubled)] if doubled else []), *unknown])
        raise _cannot_handle(tree["kind"], api_versions[0], kind, f"strict decoding error: {told}")
    if recalled:
        return restored(tree, recalled)
    model.default(tree)
    if repeated and not doubled and not unknown:
        call.registry.specs.learn(body, tree)
    return tree


def is_watched(call: Call) -> bool:
    """Whether the client wants to hear of fields that are unknown or doubled."""
    return call.request.parameter("fieldValidation") != "Ignore"


def _parse(body: bytes, chosen: media.MediaType, kind: str, definition: str) -> JSON:
    """The body's tree as sent."""
    try:
        tree = chosen.decode(body, definition)
    except media.BodyError as error:
        raise _unrecognized(kind, str(error), body) from None
    if not isinstance(tree, dict):
        what = {list: "array", str: "string", type(None): "null"}.get(type(tree), "value")
        why = f"couldn't get version/kind; json parse error: json: cannot unmarshal {what} into Go value of type struct"
        raise _unrecognized(kind, why, body)
    return tree


def limited(call: Call) -> bytes:
    """The body, unless it is larger than what the server takes."""
    limit = call.registry.options.body_limit
    if len(call.request.http.body) > limit:
        raise RequestEntityTooLarge(f"Request entity too large: limit is {limit}")
    return call.request.http.body


def report(call: Call, problems: Sequence[str]) -> bool:
    """Deal with ignored or doubled fields as `fieldValidation` says: True when the request must fail."""
    directive = call.field_validation()
    if directive == "Warn":
        call.warnings += problems
    return directive == "Strict"


def retyped(call: Call, tree: JSON, touched: Collection[str] | None = None) -> list[str]:
    """Check a tree that a patch made, in the request's version, and default it; returns the unknown fields' paths.

    `touched` names the fields that the patch may have changed: the others are as they were checked before.
    """
    expected = api_version(call.kind, call.version)
    _named(tree, call.kind.kind, (expected,))
    model = typed(call.version)
    if isinstance(model, Type) and touched is not None:
        return _decoded(call.kind.kind, expected, lambda: model.renew(tree, touched))
    unknown = _typed(tree, model, call.kind.kind, expected)
    model.default(tree)
    return unknown


def check_patched(call: Call, tree: JSON, kind: str, model: ObjectType) -> None:
    """Check a tree of another kind (a Scale) that a patch made."""
    _typed(tree, model, kind, str(tree.get("apiVersion", "")))


def _named(tree: JSON, kind: str, api_versions: Sequence[str]) -> JSON:
    """The tree with its kind and apiVersion, which it may leave out; they must be the ones wanted."""
    found_kind, found_version = tree.get("kind") or kind, tree.get("apiVersion") or api_versions[0]
    if not isinstance(found_kind, str) or not isinstance(found_version, str):
        raise BadRequest(f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind")
    if found_kind != kind:
        raise _cannot_handle(
            found_kind, found_version, kind, f"converting ({found_kind}) to ({kind}): unknown conversion"
        )
    if found_version not in api_versions:
        raise BadRequest(
            f"the API version in the data ({found_version}) does not match the expected API version ({api_versions[0]})"
        )
    tree["kind"], tree["apiVersion"] = found_kind, found_version
    return tree


def _typed(tree: JSON, model: ObjectType, kind: str, version: str) -> list[str]:
    return _decoded(kind, version, lambda: model.decode(tree))


def _decoded(kind: str, version: str, decode: Callable[[], list[str]]) -> list[str]:
    """What cannot be decoded is a bad request."""
    try:
        return decode()
    except DecodeError as error:
        raise _cannot_handle(kind, version, kind, str(error)) from None


def _cannot_handle(kind: str, version: str, expected: str, why: str) -> BadRequest:
    version = version.rpartition("/")[2]
    return BadRequest(f'{kind} in version "{version}" cannot be handled as a {expected}: {why}')


def _unrecognized(kind: str, why: str, body: bytes) -> BadRequest:
    return BadRequest(f"the object provided is unrecognized (must be of type {kind}): {why} ({_summary(body)})")


def _summary(body: bytes, limit: int = 30) -> str:
    """The beginning of a body, as upstream shows it: text if it looks like JSON, otherwise hexadecimal."""
    if not body:
        return "<empty>"
    shown = body[:limit].decode(errors="replace") if body.startswith(b"{") else body[:limit].hex()
    return f"{shown} ..." if len(body) > limit else shown
