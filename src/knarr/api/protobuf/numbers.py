"""The numbers of messages' fields, from fields.tsv."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

_META = "io.k8s.apimachinery.pkg.apis.meta"
_ROOTS = ("io.k8s.api.", "io.k8s.apiextensions-apiserver.pkg.apis.", "io.k8s.kube-aggregator.pkg.apis.")


@dataclass(frozen=True, slots=True)
class Numbered:
    """A field's number, and whether the message tells its absence from its zero value."""

    name: str
    number: int
    explicit: bool


@dataclass(slots=True)
class Layout:
    """A message: its own fields, and the messages inside it whose fields are its own in JSON."""

    fields: list[Numbered] = field(default_factory=list)
    flattened: dict[int, str] = field(default_factory=dict)


def layout(message: str) -> Layout:
    """The layout of a message, empty for one that is not known."""
    return _layouts().get(message) or Layout()


def message_of(definition: str) -> str:
    """The message of a schema definition: `io.k8s.api.core.v1.Pod` is `core/v1 Pod`."""
    package, _, name = definition.rpartition(".")
    if package.startswith(_META):
        return f"apis/meta/{package.rpartition('.')[2]} {name}"
    for root in _ROOTS:
        package = package.removeprefix(root)
    return f"{package.replace('.', '/')} {name}"


@cache
def _layouts() -> dict[str, Layout]:
    layouts: dict[str, Layout] = {}
    for line in files(__package__).joinpath("fields.tsv").read_text().splitlines():
        if line.startswith("#"):
            continue
        message, name, number, form, inner, *_ = [*line.split("\t"), "", ""]
        known = layouts.setdefault(message, Layout())
        if form == ">":
            known.flattened[int(number)] = inner
        else:
            known.fields.append(Numbered(name, int(number), form == "?"))
    return layouts
