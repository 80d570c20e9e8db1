"""Rules in CEL, at work: x-kubernetes-validations.

A ruler is a closure over its schema, None where neither it nor anything below has rules. Rules that compare with what
was are asked only where that can be told; of others, those about what has not changed are not asked at all.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from knarr.api.custom.combining import NO_PLACE, NOTHING
from knarr.api.custom.descending import finder, into_fields, into_items, is_same
from knarr.api.custom.fieldpaths import FieldPathError, field_at
from knarr.api.custom.lazily import Lazily
from knarr.api.custom.ruletexts import RULES, has_rules
from knarr.api.kind import JSON
from knarr.machinery.cel import (
    BOOL,
    STRING,
    Budget,
    CelError,
    CelType,
    CompileError,
    CostError,
    Environment,
    Program,
    optional_of,
    type_of_schema,
)
from knarr.machinery.cel.values import NOTHING as NONE
from knarr.machinery.cel.values import Optional
from knarr.machinery.fielderrors import FieldError, duplicate, forbidden, invalid, required

OBJECT_LIMIT = 10_000_000  # cost units of all rules of one object
_LONGEST_MESSAGE = 5 * 1024  # bytes


@dataclass(slots=True)
class Asked:
    """One round of questions: what it may still cost, and what has been found."""

    budget: Budget
    errors: list[FieldError] = field(default_factory=list)


class ExhaustedError(Exception):
    """No further rules are run."""


Ruler = Callable[[Any, Any, str, Asked], None]  # (value, what it was, its path, the round)


def asking(schema: JSON) -> Callable[[JSON, Any, int | None], list[FieldError]]:
    """What the rules of a whole schema have against an object, given what it was. Cost units beyond the last argument
    are too many for here (None: whatever it takes): LaboriousError.
    """
    ask = ruler(schema, root=True)

    def check(new: JSON, old: Any, here: int | None) -> list[FieldError]:
        asked = Asked(Budget(OBJECT_LIMIT, here))
        with suppress(ExhaustedError):
            if ask:
                ask(new, old, "", asked)
        return asked.errors

    return check


def ruler(schema: JSON, *, root: bool = False) -> Ruler | None:
    """Asks the rules of a schema and of all below it."""
    rules = [Rule(schema, rule, root=root) for rule in schema.get(RULES) or ()]
    below = list(_below(schema))
    if not rules and not below:
        return None

    def ask(value: Any, old: Any, path: str, asked: Asked) -> None:
        if value is None:  # nullable, or wrong and said to be so
            return
        same = old is not NOTHING and is_same(value, old)
        for rule in rules:
            rule.ask(value, old, path, asked, changed=not same)
        for descend in below:
            descend(value, old, path, asked)

    return ask


def _below(schema: JSON) -> Iterator[Ruler]:
    properties, additional = schema.get("properties") or {}, schema.get("additionalProperties")
    rest = ruler(additional) if isinstance(additional, dict) else None
    if rest or any(map(has_rules, properties.values())):
        yield into_fields(Lazily(properties, ruler), rest, granular=True, keyed=True)
    if isinstance(schema.get("items"), dict) and (item := ruler(schema["items"])):
        yield into_items(item, finder(schema))


class Rule:
    """One rule of a schema; its programs are compiled when first needed."""

    def __init__(self, schema: JSON, rule: JSON, *, root: bool) -> None:
        self._schema, self._rule, self._root = schema, rule, root

    @cached_property
    def _environment(self) -> Environment:
        found = type_of_schema(self._schema, "selfType", root=self._root)
        self_type: CelType = found if found is not None else _nothing()
        old_type = optional_of(self_type) if self._rule.get("optionalOldSelf") else self_type
        return Environment({"self": self_type, "oldSelf": old_type})

    @cached_property
    def program(self) -> Program:
        """Raises CompileError; ValueError where the rule is no predicate."""
        program = self._environment.compile(self._rule["rule"])
        if program.type != BOOL:
            raise ValueError("cel expression must evaluate to a bool")
        return program

    @cached_property
    def message_program(self) -> Program | None:
        """Raises CompileError; ValueError where the message is no text."""
        text = self._rule.get("messageExpression")
        program = self._environment.compile(text) if text else None
        if program and program.type != STRING:
            raise ValueError("messageExpression must evaluate to a string")
        return program

    @property
    def compares(self) -> bool:
        """Whether it asks for what was."""
        return "oldSelf" in self.program.names

    def ask(self, value: Any, old: Any, path: str, asked: Asked, *, changed: bool) -> None:
        """Add an error where the rule does not hold. Raises ExhaustedError."""
        try:
            program, compares = self.program, self.compares
        except (CompileError, ValueError) as error:
            asked.errors.append(self._invalid(path, f"rule compile error: {error}"))
            return
        if compares and old is NOTHING and not self._rule.get("optionalOldSelf"):
            return
        if not compares and not changed:
            return
        bindings = {"self": value, "oldSelf": self._old(old)}
        try:
            holds = program.evaluate(bindings, asked.budget)
        except CelError as error:
            self._failed(error, path, asked)
            return
        if not holds:
            asked.errors.append(self._error(self._place(path), self._message(bindings, asked.budget)))

    def _old(self, old: Any) -> Any:
        if not self._rule.get("optionalOldSelf"):
            return old
        return NONE if old is NOTHING else Optional(old)

    def _failed(self, error: CelError, path: str, asked: Asked) -> None:
        text = self._rule["rule"]
        if asked.budget.left < 0:
            why = "validation failed due to running out of cost budget, no further validation rules will be run"
            asked.errors.append(self._invalid(path, why))
            raise ExhaustedError
        if isinstance(error, CostError):
            why = f"call cost exceeds limit for rule: {text}, no further validation rules will be run"
            asked.errors.append(self._invalid(path, f"'{error}': {why}"))
            raise ExhaustedError
        asked.errors.append(self._invalid(path, f"{error} evaluating rule: {text}"))

    def _message(self, bindings: JSON, budget: Budget) -> str:
        """The message that the rule computes, that it has, or that it is."""
        try:
            program = self.message_program
            text = str(program.evaluate(bindings, budget)).strip() if program else ""
        except (CelError, CompileError, ValueError):
            text = ""
        if text and "\n" not in text and len(text.encode()) <= _LONGEST_MESSAGE:
            return text
        return (self._rule.get("message") or "").strip() or f"failed rule: {self._rule['rule'].strip()}"

    def _place(self, path: str) -> str:
        try:
            given = field_at(self._rule.get("fieldPath") or "", self._schema).path
        except FieldPathError:  # stored by a server that took it
            given = ""
        return f"{path}.{given}" if path and given else path or given

    def _invalid(self, path: str, detail: str) -> FieldError:
        return invalid(path or NO_PLACE, self._schema.get("type", ""), detail)

    def _error(self, path: str, message: str) -> FieldError:
        match self._rule.get("reason"):
            case "FieldValueForbidden":
                return forbidden(path or NO_PLACE, message)
            case "FieldValueRequired":
                return required(path or NO_PLACE, message)
            case "FieldValueDuplicate":
                return duplicate(path or NO_PLACE, self._schema.get("type", ""))
        return self._invalid(path, message)


def _nothing() -> CelType:
    return type_of_schema({"x-kubernetes-int-or-string": True}) or BOOL
