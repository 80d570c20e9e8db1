"""What a mutation's value makes of an object: an apply configuration merged in, or a JSON patch applied.

https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from knarr.api.kind import JSON
from knarr.api.types import type_of, typed
from knarr.apiserver.admission.matching import Match
from knarr.apiserver.admission.plugin import Attributes
from knarr.machinery.apply.elements import ElementError
from knarr.machinery.apply.lists import Associative, Items
from knarr.machinery.apply.shapes import Atomic, Problem, Shape
from knarr.machinery.apply.structs import Struct
from knarr.machinery.cel.values import Duration, Instance, Optional, Timestamp
from knarr.machinery.patches import PatchError, json_patch


class MutationError(Exception):
    """A value that cannot be made a change of the object."""


def mutated(patch_type: str, value: Any, before: JSON, attributes: Attributes, match: Match) -> JSON:
    """The object with the mutation in it; may share parts with both. Raises MutationError."""
    if patch_type == "JSONPatch":
        return _patched(value, before)
    _check_names(value, "Object")
    form = attributes.form
    if form and not form.definition:
        raise MutationError(f"{form.kind} has no schema to merge by")
    shape = type_of(form.definition).ownership if form else typed(match.version).ownership
    config = {**_plain(value), "apiVersion": before.get("apiVersion"), "kind": before.get("kind")}
    return _applied(shape, config, before)


def _patched(operations: Any, before: JSON) -> JSON:
    try:
        after: JSON = json_patch(before, _plain(operations))
    except PatchError as error:
        raise MutationError(str(error)) from None
    return after


def _applied(shape: Shape, config: JSON, before: JSON) -> JSON:
    problems: list[Problem] = []
    shape.check(config, "", problems)
    if problems:
        raise MutationError(f"error applying patch: failed to convert patch object to typed object: {problems[0]}")
    if atomic := list(_atomics(shape, config, "")):
        why = f"may not mutate atomic arrays, maps or structs: {', '.join(atomic)}"
        raise MutationError(f"error applying patch: invalid ApplyConfiguration: {why}")
    try:
        after: JSON = shape.merged(before, config)
    except ElementError as error:
        raise MutationError(f"error applying patch: failed to merge patch: {error}") from None
    return after


def _atomics(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """What has one owner for all its parts: setting some of them would remove the others."""
    if isinstance(shape, Atomic | Items) and isinstance(value, dict | list):
        yield path
    elif isinstance(shape, Struct) and isinstance(value, dict):
        for name, part in value.items():
            if name in shape.fields:
                yield from _atomics(shape.fields[name], part, f"{path}.{name}")
    elif isinstance(shape, Associative) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _atomics(shape.item, item, f"{path}[{index}]")


def _check_names(value: Any, path: str) -> None:
    """An object literal's type is called after the place where it stands. Raises MutationError."""
    if isinstance(value, Instance) and value.name != path:
        why = f'unexpected type name "{value.name}", expected "{path}"'
        raise MutationError(f"type mismatch: {why}, which matches field name path from root Object type")
    if isinstance(value, dict):
        for name, part in value.items():
            _check_names(part, f"{path}.{name}" if isinstance(value, Instance) else path)
    elif isinstance(value, list):
        for item in value:
            _check_names(item, path)


def _plain(value: Any) -> Any:
    """A value of CEL as JSON. Raises MutationError for what JSON has no form for."""
    match value:
        case dict():
            return {str(name): _plain(part) for name, part in value.items()}
        case list():
            return [_plain(item) for item in value]
        case bool() | str() | float() | None:
            return value
        case int():
            return int(value)
        case bytes():
            return base64.b64encode(value).decode()
        case Timestamp() | Duration():
            return str(value)
        case Optional(present=True):
            return _plain(value.value)
    raise MutationError(f"cannot be written as JSON: {value}")
