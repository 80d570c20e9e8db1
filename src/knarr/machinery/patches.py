"""JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386); results share no mutable part with the patch.

Messages of JSON Patch are those of the library that upstream uses (evanphx/json-patch): users meet them in Statuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from knarr.machinery.trees import copied

JSON = Any  # any JSON value: patches know no types

COPY_LIMIT = 3 * 1024 * 1024  # bytes that copies may add: a few operations could double a document to any size


class PatchError(ValueError):
    """A patch that is malformed or does not apply."""


class PatchFormatError(PatchError):
    """A patch whose directives make no sense."""


class TestFailedError(PatchError):
    """A `test` operation that found another value."""

    __test__ = False  # not a test case, whatever its name


def merge_patch(document: JSON, patch: JSON) -> JSON:
    """The document with the patch merged in: null removes, objects merge, all else replaces.

    What the patch does not name is shared with the document, which stays as it was.
    """
    if not isinstance(patch, dict):
        return copied(patch)
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(document: JSON, operations: Sequence[Mapping[str, Any]]) -> JSON:
    """A new document with all operations applied in order; none is when one fails. Raises PatchError."""
    root = {"": copied(document)}  # the document in a box: an operation on the path "" is one like any other
    grown = 0
    for operation in operations:
        grown += _apply(root, operation)
        if grown > COPY_LIMIT:
            raise PatchError(f"Unable to complete the copy, the accumulated size increase of copy is {grown}")
    if "" not in root:
        raise PatchError("remove operation does not apply: the document itself cannot be removed")
    _size(root[""])
    return root[""]


def _size(tree: JSON) -> int:
    """In bytes of JSON."""
    try:
        return len(msgspec.json.encode(tree))
    except TypeError:
        raise PatchError("exceeded max depth") from None


def _apply(root: JSON, operation: Mapping[str, Any]) -> int:
    """Change the document; returns how many bytes a copy added."""
    if not isinstance(operation, Mapping):
        raise PatchError("json: cannot unmarshal array element into Go value of type jsonpatch.Operation")
    name = operation.get("op")
    perform = _OPERATIONS.get(name) if isinstance(name, str) else None
    if perform is None:
        raise PatchError(f"Unexpected kind: {name if name is not None else 'unknown'}")
    path = operation.get("path")
    if not isinstance(path, str):
        raise PatchError(f'{name} operation does not apply: doc is missing path: "": missing value')
    return perform(root, path, operation) or 0


def _tokens(path: str) -> list[str]:
    """A JSON pointer's keys (RFC 6901), the box's own first."""
    return [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")]


def _parent(root: JSON, path: str, operation: str) -> tuple[JSON, str]:
    """The container of what the path names, and the key there."""
    missing = f'{operation} operation does not apply: doc is missing path: "{path}": missing value'
    *parents, last = _tokens(path)
    container = root
    for token in parents:
        container = _child(container, token, missing)
    if not isinstance(container, dict | list):
        raise PatchError(missing)
    return container, last


def _child(container: JSON, key: str, missing: str) -> JSON:
    if isinstance(container, dict) and key in container:
        return container[key]
    if isinstance(container, list) and key.isascii() and key.isdigit() and int(key) < len(container):
        return container[int(key)]
    raise PatchError(missing)


def _index(container: list[JSON], key: str, limit: int) -> int:
    """The place that a list's key names, negative ones from the end as upstream allows."""
    try:
        place = int(key)
    except ValueError:
        raise PatchError(f'strconv.Atoi: parsing "{key}": invalid syntax') from None
    if not -limit <= place < limit:
        raise PatchError(f"Unable to access invalid index: {place}: invalid index referenced")
    return place if place >= 0 else place + limit


def _value(operation: Mapping[str, Any]) -> JSON:
    return copied(operation.get("value"))


def _insert(root: JSON, path: str, value: JSON, operation: str) -> None:
    container, key = _parent(root, path, operation)
    if isinstance(container, dict):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        container.insert(_index(container, key, len(container) + 1), value)


def _extract(root: JSON, path: str, operation: str) -> JSON:
    container, key = _parent(root, path, operation)
    if isinstance(container, list):
        return container.pop(_index(container, key, len(container)))
    if key not in container:
        raise PatchError(f"error in remove for path: '{path}': unable to remove nonexistent key: {key}: missing value")
    return container.pop(key)


def _source(root: JSON, operation: Mapping[str, Any]) -> str:
    source = operation.get("from")
    if not isinstance(source, str):
        raise PatchError(f"{operation['op']} operation does not apply: doc is missing from path: : missing value")
    return source


def _add(root: JSON, path: str, operation: Mapping[str, Any]) -> None:
    _insert(root, path, _value(operation), "add")


def _remove(root: JSON, path: str, operation: Mapping[str, Any]) -> None:
    _extract(root, path, "remove")


def _replace(root: JSON, path: str, operation: Mapping[str, Any]) -> None:
    container, key = _parent(root, path, "replace")
    missing = f"replace operation does not apply: doc is missing key: {path}: missing value"
    _child(container, key, missing)
    container[int(key) if isinstance(container, list) else key] = _value(operation)


def _move(root: JSON, path: str, operation: Mapping[str, Any]) -> None:
    source = _source(root, operation)
    if path.startswith(f"{source}/"):
        raise PatchError(f"cannot move '{source}' into itself at '{path}'")
    _insert(root, path, _extract(root, source, "move"), "move")


def _copy(root: JSON, path: str, operation: Mapping[str, Any]) -> int:
    source = _source(root, operation)
    container, key = _parent(root, source, "copy")
    missing = f"copy operation does not apply: doc is missing from path: {source}: missing value"
    found = _child(container, key, missing)
    grown = _size(found)
    _insert(root, path, copied(found), "copy")
    return grown


def _test(root: JSON, path: str, operation: Mapping[str, Any]) -> None:
    container, key = _parent(root, path, "test")
    absent = isinstance(container, dict) and key not in container
    found = None if absent else _child(container, key, f"error in test for path: '{path}': missing value")
    if not _same(found, operation.get("value")):
        raise TestFailedError(f"testing value {path} failed: test failed")


def _same(left: JSON, right: JSON) -> bool:
    """JSON equality: `True` is not `1`."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


_OPERATIONS: dict[str, Callable[[JSON, str, Mapping[str, Any]], int | None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
