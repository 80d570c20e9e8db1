"""What a webhook or policy has made of the tree that it was shown, put in the object's place."""

from __future__ import annotations

from typing import Any

from knarr.api.kind import JSON, ObjectType
from knarr.api.types import DecodeError, type_of, typed
from knarr.apiserver.admission.matching import Match
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.admission.showing import converter_of
from knarr.apiserver.encoding import api_version, to_storage
from knarr.machinery.errors import InternalError


async def replace(attributes: Attributes, match: Match, before: Any, after: Any) -> bool:
    """Put what was shown as `before` and has become `after` in the object's place; whether it differs.

    Raises InternalError for what is no object of its kind any more.
    """
    _retype(attributes, match, before, after)
    if after == before:
        return False
    if converter := converter_of(attributes, match):
        (after,) = await converter.convert([after], api_version(attributes.kind, attributes.version))
        match = Match(attributes.kind, attributes.version)
        _complete(typed(match.version), after)
    _put(attributes, match, after)
    return True


def _put(attributes: Attributes, match: Match, after: JSON) -> None:
    assert attributes.object is not None
    found = after if attributes.form else to_storage(match.version, after)
    attributes.object.clear()
    attributes.object.update(found)


def _retype(attributes: Attributes, match: Match, before: JSON, after: Any) -> None:
    """Hold the result to the type that it had, and default it again."""
    if not isinstance(after, dict) or not isinstance(after.get("metadata", {}), dict):
        raise broken("the patched object is no object of the API")
    for name in ("kind", "apiVersion"):
        if after.get(name) != before.get(name):
            raise broken(f"the patch changes the object's {name} from {before.get(name)} to {after.get(name)}")
    form = attributes.form
    if form and not form.definition:  # options of a connection, of which nothing is published
        return
    _complete(type_of(form.definition) if form else typed(match.version), after)


def _complete(model: ObjectType, tree: JSON) -> None:
    try:
        model.decode(tree)
    except DecodeError as error:
        raise broken(str(error)) from None
    tree.setdefault("metadata", {})
    model.default(tree)


def broken(why: str) -> InternalError:
    """The refusal of a write that somebody has spoilt."""
    return InternalError(f"Internal error occurred: {why}")
