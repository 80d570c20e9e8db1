"""Field selectors: `metadata.name=x,status.phase!=Running`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from knarr.machinery.selectors.labels import MOST, SelectorError

_FIELD_TERM = re.compile(r"((?:\\.|[^\\,])*?)(!=|==|=)((?:\\.|[^\\,=])*)")


class FieldRequirement(msgspec.Struct, frozen=True):
    field: str
    value: str
    equal: bool = True


class FieldSelector(msgspec.Struct, frozen=True):
    """Fields that must, or must not, have a value; an absent field is the empty text."""

    requirements: tuple[FieldRequirement, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        return all((fields.get(r.field, "") == r.value) is r.equal for r in self.requirements)

    @property
    def equalities(self) -> dict[str, str]:
        return {r.field: r.value for r in self.requirements if r.equal}

    def renamed(self, names: Mapping[str, str]) -> FieldSelector:
        """The same by other names of the fields; those without one keep theirs."""
        return FieldSelector(
            tuple(FieldRequirement(names.get(r.field, r.field), r.value, r.equal) for r in self.requirements)
        )

    def __str__(self) -> str:
        return ",".join(f"{r.field}{'=' if r.equal else '!='}{_escape(r.value)}" for r in self.requirements)


def parse_fields(text: str) -> FieldSelector:
    r"""The field selector that a query parameter means; `\` escapes `,`, `=` and itself. Raises SelectorError."""
    if text.count(",") + text.count("\\") > MOST:
        raise SelectorError("invalid selector: there are too many requirements")
    terms = [term for term in re.findall(r"(?:\\.|[^\\,]|\\$)+", text) if term]
    return FieldSelector(tuple(_field_requirement(text, term) for term in terms))


def _field_requirement(text: str, term: str) -> FieldRequirement:
    match = _FIELD_TERM.fullmatch(term)
    if not match:
        raise SelectorError(f"invalid selector: '{text}'; can't understand '{term}'")
    field, operator, value = match.groups()
    escapes: list[str] = re.findall(r"\\.", value, re.DOTALL)
    if wrong := next((escape for escape in escapes if escape[1] not in "\\,="), ""):
        raise SelectorError(f"invalid field selector: invalid escape sequence: {wrong}")
    return FieldRequirement(field, re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL), operator != "!=")


def _escape(value: str) -> str:
    return re.sub(r"([\\,=])", r"\\\1", value)
