"""OpenAPI v2 as protobuf, as older kubectls ask for it.

The messages are gnostic's (github.com/google/gnostic-models, openapiv2/OpenAPIv2.proto); each table maps a field of the
JSON document to its number and encoder. What a message does not list is left out, as gnostic's own reader would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from knarr.api.protobuf import wire

Encoder = Callable[[int, Any], bytes]
Table = Mapping[str, tuple[int, Encoder]]

_EXTENSION = "x-"


def document(tree: dict[str, Any]) -> bytes:
    """The whole document's bytes."""
    return _fields(_DOCUMENT, tree, extensions=16)


def _bytes(number: int, data: bytes) -> bytes:
    return wire.delimited(wire.tag(number, wire.BYTES), data)


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _texts(number: int, values: list[str]) -> bytes:
    return b"".join([_text(number, value) for value in values])


def _flag(number: int, value: bool) -> bytes:
    return wire.tag(number, wire.VARINT) + b"\x01" if value else b""


def _any(number: int, value: Any) -> bytes:
    """Gnostic's Any: the value as YAML, which JSON is too."""
    return _bytes(number, _text(2, msgspec.json.encode(value).decode()))


def _fields(table: Table, tree: Mapping[str, Any], extensions: int = 0) -> bytes:
    parts = []
    for name, value in tree.items():
        if name in table:
            number, encode = table[name]
            parts.append(encode(number, value))
        elif extensions and name.startswith(_EXTENSION):
            parts.append(_bytes(extensions, _text(1, name) + _any(2, value)))
    return b"".join(parts)


def _named(number: int, encode: Callable[[Any], bytes]) -> Encoder:
    """A map, as a message of repeated name and value."""

    def encoder(outer: int, values: Mapping[str, Any]) -> bytes:
        entries = [_bytes(number, _text(1, name) + _bytes(2, encode(value))) for name, value in values.items()]
        return _bytes(outer, b"".join(entries))

    return encoder


def _message(table: Table, extensions: int = 0) -> Encoder:
    return lambda number, tree: _bytes(number, _fields(table, tree, extensions))


def _schema(tree: Mapping[str, Any]) -> bytes:
    return _fields(_SCHEMA, tree, extensions=31)


def _schema_at(number: int, tree: Mapping[str, Any]) -> bytes:
    return _bytes(number, _schema(tree))


def _wrapped_schema(number: int, tree: Mapping[str, Any]) -> bytes:
    """In a message whose first field is the schema: items, a response's schema."""
    return _bytes(number, _schema_at(1, tree))


def _additional(number: int, value: Any) -> bytes:
    return _bytes(number, _flag(2, value) if isinstance(value, bool) else _schema_at(1, value))


def _type(number: int, value: str) -> bytes:
    return _bytes(number, _text(1, value))


def _parameters(number: int, values: list[Mapping[str, Any]]) -> bytes:
    return b"".join([_bytes(number, _bytes(1, _parameter(value))) for value in values])


def _parameter(value: Mapping[str, Any]) -> bytes:
    if value["in"] == "body":
        return _bytes(1, _fields(_BODY, value))
    kind, table = (3, _QUERY) if value["in"] == "query" else (4, _PATH)
    return _bytes(2, _bytes(kind, _fields(table, value)))


def _response(value: Mapping[str, Any]) -> bytes:
    return _bytes(1, _fields(_RESPONSE, value))


def _path_item(value: Mapping[str, Any]) -> bytes:
    return _fields(_PATH_ITEM, value, extensions=10)


def _anys(number: int, values: list[Any]) -> bytes:
    return b"".join([_any(number, value) for value in values])


_SCHEMA: dict[str, tuple[int, Encoder]] = {
    "$ref": (1, _text),
    "format": (2, _text),
    "title": (3, _text),
    "description": (4, _text),
    "default": (5, _any),
    "pattern": (13, _text),
    "uniqueItems": (16, _flag),
    "required": (19, _texts),
    "enum": (20, _anys),
    "additionalProperties": (21, _additional),
    "type": (22, _type),
    "items": (23, _wrapped_schema),
    "properties": (25, _named(1, _schema)),
}
_BODY: Table = {
    "description": (1, _text),
    "name": (2, _text),
    "in": (3, _text),
    "required": (4, _flag),
    "schema": (5, _schema_at),
}
_QUERY: Table = {
    "required": (1, _flag),
    "in": (2, _text),
    "description": (3, _text),
    "name": (4, _text),
    "type": (6, _text),
    "uniqueItems": (18, _flag),
}
_PATH: Table = {
    "required": (1, _flag),
    "in": (2, _text),
    "description": (3, _text),
    "name": (4, _text),
    "type": (5, _text),
    "uniqueItems": (17, _flag),
}
_RESPONSE: Table = {"description": (1, _text), "schema": (2, _wrapped_schema)}
_OPERATION: Table = {
    "tags": (1, _texts),
    "description": (3, _text),
    "operationId": (5, _text),
    "produces": (6, _texts),
    "consumes": (7, _texts),
    "parameters": (8, _parameters),
    "responses": (9, _named(1, _response)),
}
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_PATH_ITEM: Table = {
    **{method: (number, _message(_OPERATION, extensions=13)) for number, method in enumerate(_METHODS, start=2)},
    "parameters": (9, _parameters),
}
_DOCUMENT: Table = {
    "swagger": (1, _text),
    "info": (2, _message({"title": (1, _text), "version": (2, _text)})),
    "paths": (8, _named(2, _path_item)),
    "definitions": (9, _named(1, _schema)),
}
