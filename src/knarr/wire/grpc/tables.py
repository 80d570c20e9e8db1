"""Protobuf messages made from a table of their fields, where no package has them.

A line is a message: `Name: field=number type, ...`. Types are proto3's scalars and the table's own messages; a star
before one says that there may be several. A map is several of a message with the fields key=1 and value=2.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _Field.TYPE_BOOL,
    "bytes": _Field.TYPE_BYTES,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "string": _Field.TYPE_STRING,
}


def messages(package: str, table: str) -> dict[str, Any]:
    """The table's messages by their names."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for line in table.strip().splitlines():
        name, _, fields = line.partition(": ")
        message = file.message_type.add(name=name.rstrip(":"))
        for text in filter(None, fields.split(",")):
            _add_field(package, message, text)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        message.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{message.name}"))
        for message in file.message_type
    }


def _add_field(package: str, message: descriptor_pb2.DescriptorProto, text: str) -> None:
    name, _, rest = text.strip().partition("=")
    number, kind = rest.split()
    label = _Field.LABEL_REPEATED if kind.startswith("*") else _Field.LABEL_OPTIONAL
    field = message.field.add(name=name, number=int(number), label=label)
    kind = kind.lstrip("*")
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{package}.{kind}"
