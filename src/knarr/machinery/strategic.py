"""Strategic merge patch: a merge patch that knows which lists are maps in disguise.

The schema says for each field whether its list merges (by which key) or is replaced; directives in the patch override
it: `$patch: replace|delete|merge`, `$retainKeys`, `$deleteFromPrimitiveList/<field>`, `$setElementOrder/<field>`.
Source: Kubernetes documentation, "Strategic Merge Patch" (sig-api-machinery devel guide); messages are apimachinery's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from knarr.machinery.patches import PatchError, PatchFormatError
from knarr.machinery.trees import copied

JSON = dict[str, Any]

_PATCH, _RETAIN_KEYS = "$patch", "$retainKeys"
_DELETE_ITEMS, _ORDER = "$deleteFromPrimitiveList/", "$setElementOrder/"


class PatchSchema(Protocol):
    """How the fields of an object merge."""

    def field(self, name: str) -> PatchField: ...


class PatchField(msgspec.Struct, frozen=True):
    """How one field merges. `value` is the schema of the object, of a list's items or of a map's values."""

    value: PatchSchema
    merge: bool = False  # a list merges; otherwise it is replaced
    merge_key: str = ""  # what tells a list's objects apart; none for primitives
    replace: bool = False  # an object is replaced whole


class _Free:
    """The schema of what has none: objects merge, lists are replaced."""

    def field(self, name: str) -> PatchField:
        return _FREE_FIELD


FREE: PatchSchema = _Free()
_FREE_FIELD = PatchField(FREE)


def strategic_merge(original: JSON, patch: JSON, schema: PatchSchema) -> JSON:
    """A new object with the patch merged in; it shares with the original what the patch does not name, and neither
    argument is changed. Raises PatchError.
    """
    return _merge_object(original, copied(patch), schema)


def _merge_object(original: JSON, patch: JSON, schema: PatchSchema) -> JSON:
    directive: Any = patch.pop(_PATCH, "merge")
    match directive:
        case "replace":
            return dict(_without_directives(patch))
        case "delete":
            return {}
        case "merge":
            return _merge_fields(original, patch, schema)
        case other:
            raise PatchError(f"unknown patch type: {other} in map: {patch}")


def _merge_fields(original: JSON, patch: JSON, schema: PatchSchema) -> JSON:
    original = dict(original)
    _retain_keys(original, patch)
    orders = {name: _list(patch.pop(key), "setElementOrder list") for key, name in _directives(patch, _ORDER)}
    for key, name in _directives(patch, _DELETE_ITEMS):
        _delete_items(original, name, _list(patch.pop(key), "primitive list"))
    before = {name: original[name] if isinstance(original.get(name), list) else [] for name in orders}
    for name, order in orders.items():
        _check_order(patch.get(name), order, schema.field(name))
    for name, value in patch.items():
        _merge_field(original, name, value, schema.field(name))
    for name, order in orders.items():
        if isinstance(original.get(name), list):
            original[name] = _arranged(original[name], order, before[name], schema.field(name).merge_key)
    return original


def _directives(patch: JSON, prefix: str) -> list[tuple[str, str]]:
    """The directives of one sort, each with the field that it is about."""
    return [(key, key.removeprefix(prefix)) for key in patch if key.startswith(prefix)]


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise PatchFormatError(f"invalid patch format of {what}")
    return value


def _retain_keys(original: JSON, patch: JSON) -> None:
    """Drop what `$retainKeys` does not name; the patch may set only what it names."""
    if _RETAIN_KEYS not in patch:
        return
    retained = {key for key in _list(patch.pop(_RETAIN_KEYS), "retainKeys") if isinstance(key, str)}
    if any(value is not None and key not in retained for key, value in patch.items() if not key.startswith("$")):
        raise PatchError("patch content doesn't match retainKeys list")
    for key in original.keys() - retained:
        del original[key]


def _delete_items(original: JSON, name: str, unwanted: list[Any]) -> None:
    if isinstance(original.get(name), list):
        original[name] = [item for item in original[name] if item not in unwanted]


def _merge_field(original: JSON, name: str, value: Any, field: PatchField) -> None:
    current = original.get(name)
    if value is None:
        original.pop(name, None)
    elif isinstance(value, dict):
        start = current if isinstance(current, dict) and not field.replace else {}
        original[name] = _merge_object(start, value, field.value)
    elif isinstance(value, list) and field.merge:
        original[name] = _merge_list(current if isinstance(current, list) else [], value, field)
    else:
        original[name] = _without_directives(value)


def _without_directives(value: Any) -> Any:
    """A value that meets nothing to merge with: directives and nulls have nothing to do there."""
    if isinstance(value, dict):
        kept = ((k, v) for k, v in value.items() if v is not None and not k.startswith("$"))
        return {k: _without_directives(v) for k, v in kept}
    if isinstance(value, list):
        return [_without_directives(item) for item in value]
    return value


def _merge_list(current: list[Any], patch: list[Any], field: PatchField) -> list[Any]:
    if not any(isinstance(item, dict) for item in (*current, *patch)):
        merged = list(dict.fromkeys(map(_primitive, [*current, *patch])))
        return _arranged(merged, patch, current, "")
    if not field.merge_key:
        raise PatchError("cannot merge lists without merge key")
    return _merge_keyed(current, patch, field)


def _merge_keyed(current: list[Any], patch: list[Any], field: PatchField) -> list[Any]:
    """Items with the same key merge, others are added; `$patch: delete` removes one, `$patch: replace` all."""
    if any(_is_directive(item, "replace") for item in patch):
        return [_without_directives(item) for item in patch if not _is_directive(item, "replace")]
    merge_key, items = field.merge_key, list(current)
    for item in patch:
        key = _key(item, merge_key)
        found = [at for at, old in enumerate(items) if _key(old, merge_key) == key]
        if _is_directive(item, "delete"):
            items = [old for at, old in enumerate(items) if at not in found]
        elif found:
            items[found[0]] = _merge_object(items[found[0]], dict(item), field.value)
        else:
            items.append(_merge_object({}, dict(item), field.value))
    wanted = [item for item in patch if not _is_directive(item, "delete")]
    return _arranged(items, wanted, current, merge_key)


def _is_directive(item: Any, directive: str) -> bool:
    return isinstance(item, dict) and item.get(_PATCH) == directive


def _key(item: Any, merge_key: str) -> Any:
    if not isinstance(item, dict):
        raise PatchError(f"invalid JSON document: a list of objects holds {item!r}")
    if merge_key not in item:
        raise PatchError(f"map: {item} does not contain declared merge key: {merge_key}")
    return _primitive(item[merge_key])


def _primitive(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise PatchError(f"invalid JSON document: {value} is no primitive")
    return value


def _keys(merge_key: str) -> Callable[[Any], Any]:
    return (lambda item: _key(item, merge_key)) if merge_key else _primitive


def _check_order(patch: Any, order: list[Any], field: PatchField) -> None:
    """A patch's list must follow its own `$setElementOrder`."""
    if not isinstance(patch, list):
        return
    key, places = _keys(field.merge_key), _places(order, field.merge_key)
    named = [places.get(key(item), -1) for item in patch if not isinstance(item, dict) or _PATCH not in item]
    if -1 in named or named != sorted(named):
        raise PatchError(f"The order in patch list:\n{patch}\n doesn't match $setElementOrder list:\n{order}\n")


def _places(items: Sequence[Any], merge_key: str) -> dict[Any, int]:
    key = _keys(merge_key)
    return {key(item): place for place, item in reversed(list(enumerate(items)))}


def _arranged(items: list[Any], order: Sequence[Any], before: Sequence[Any], merge_key: str) -> list[Any]:
    """What `order` names in that order, with the others between where they stood `before`; new ones come first."""
    key, wanted, old = _keys(merge_key), _places(order, merge_key), _places(before, merge_key)
    named = sorted((item for item in items if key(item) in wanted), key=lambda item: wanted[key(item)])
    others = sorted((item for item in items if key(item) not in wanted), key=lambda item: old.get(key(item), len(old)))
    arranged: list[Any] = []
    for item in named:
        place = old.get(key(item), -1)
        while others and old.get(key(others[0]), len(old)) < place:
            arranged.append(others.pop(0))
        arranged.append(item)
    return arranged + others
