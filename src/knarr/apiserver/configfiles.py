"""Files of configuration in upstream's formats, that flags name: a kind, strictly decoded.

YAML or JSON, where null is nothing; fields that the kind does not have, and doubled ones, are refused: what was meant
would not be done.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_HEAD = ("kind", "apiVersion", "metadata")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]+)`(?: - at `\$\.?(.*)`)?")
_WRONG = re.compile(r"(.+?)(?: - at `\$\.?(.*)`)?")


class ConfigFileError(ValueError):
    """What is wrong with a file, which its message names."""


class ConfigFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A file's contents, or a part of them."""


def digest_of(text: bytes) -> str:
    """A file's content as figures name it."""
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


def decode_config(text: bytes, kind: str, versions: Collection[str], model: type[T]) -> T:
    """What the text of a file holds; `versions` are the apiVersions that are known. Raises ConfigFileError."""
    from knarr.machinery import yamls  # most servers are told of no file

    try:
        tree = yamls.load(text)
        doubled = [f'line {line}: key "{key}" already set in map' for line, key in yamls.duplicate_keys(text)]
    except yamls.YAMLError as error:
        raise ConfigFileError(f"failed decoding: {error}") from None
    if doubled:
        raise ConfigFileError(f"failed decoding: {'; '.join(doubled)}")
    content = _content(tree, kind, versions)
    try:
        return msgspec.convert(content, model)
    except msgspec.ValidationError as error:
        raise ConfigFileError(f"failed decoding: {_worded(str(error))}") from None


def _content(tree: Any, kind: str, versions: Collection[str]) -> dict[str, Any]:
    """What is said besides of what kind it is."""
    if not isinstance(tree, dict):
        raise ConfigFileError(f"failed decoding: the file holds no {kind}")
    for field, called in (("kind", "Kind"), ("apiVersion", "apiVersion")):
        if not tree.get(field):
            raise ConfigFileError(f"failed decoding: Object '{called}' is missing")
    if tree["kind"] != kind or tree["apiVersion"] not in versions:
        known = " or ".join(f"{version}, Kind={kind}" for version in versions)
        raise ConfigFileError(f"failed decoding: {tree['apiVersion']}, Kind={tree['kind']} is not {known}")
    return {name: _without_nulls(value) for name, value in tree.items() if name not in _HEAD and value is not None}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _worded(error: str) -> str:
    """With the path in upstream's form."""
    if found := _UNKNOWN.fullmatch(error):
        path = f"{found[2]}.{found[1]}" if found[2] else found[1]
        return f'strict decoding error: unknown field "{path}"'
    found = _WRONG.fullmatch(error)
    return f"{found[2]}: {found[1]}" if found and found[2] else error
