"""Rules when their definition is written: whether they compile, and what they may cost at most.

The limits and the way in which costs are counted are upstream's (k8s.io/apiextensions-apiserver, apiserver/validation
and apis/apiextensions/validation): a rule's own cost, as often as its place can occur in an object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from knarr.api.custom.rules import Rule
from knarr.api.custom.ruletexts import RULES
from knarr.api.kind import JSON
from knarr.machinery.cel import CompileError
from knarr.machinery.cel.schemas import REQUEST_SIZE, least_size
from knarr.machinery.fielderrors import FieldError, forbidden, invalid

RULE_LIMIT = 10_000_000  # cost units of one rule
SCHEMA_LIMIT = 100_000_000  # of all rules of a version
_MOST = 2**64 - 1
_DEAREST = 4  # rules that are named when all together are too dear
_ADVICE = (
    "try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are "
    "declared"
)


@dataclass(slots=True)
class _Total:
    costs: list[tuple[int, str]] = field(default_factory=list)  # and where each is

    @property
    def sum(self) -> int:
        return min(sum(cost for cost, _ in self.costs), _MOST)


def check_rules(schema: JSON, path: str) -> list[FieldError]:
    """What is wrong with the rules of a schema that is good otherwise."""
    total = _Total()
    errors = [*_walk(schema, path, 1, "", total, root=True)]
    if total.sum > SCHEMA_LIMIT:
        errors += [
            forbidden(at, "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema")
            for _, at in sorted(total.costs, reverse=True)[:_DEAREST]
        ]
        name = f"{RULES} estimated rule cost total for entire OpenAPIv3 schema"
        errors.append(forbidden(path, _too_dear(name, total.sum, SCHEMA_LIMIT)))
    return errors


def _walk(
    schema: JSON, path: str, times: int | None, lost: str, total: _Total, *, root: bool = False
) -> Iterator[FieldError]:
    """`times` says how often the place occurs at most (None: nobody knows), `lost` where its past cannot be found."""
    for index, rule in enumerate(schema.get(RULES) or ()):
        made, at = Rule(schema, rule, root=root), f"{path}.{RULES}[{index}]"
        yield from _rule(made, rule, at, _occurs(schema, times), lost, total)
    for name, inner in (schema.get("properties") or {}).items():
        yield from _walk(inner, f"{path}.properties[{name}]", times, lost, total)
    additional, items = schema.get("additionalProperties"), schema.get("items")
    if isinstance(additional, dict):
        often = _product(times, schema.get("maxProperties"))
        yield from _walk(additional, f"{path}.additionalProperties", often, lost, total)
    if isinstance(items, dict):
        forgotten = lost or (path if schema.get("x-kubernetes-list-type") != "map" else "")
        yield from _walk(items, f"{path}.items", _product(times, schema.get("maxItems")), forgotten, total)


def _product(times: int | None, most: int | None) -> int | None:
    return None if times is None or most is None else min(times * most, _MOST)


def _occurs(schema: JSON, times: int | None) -> int:
    """As often as a request has room for it, where the schema sets no limit."""
    return REQUEST_SIZE // (least_size(schema) + 1) if times is None else times


def _rule(made: Rule, rule: JSON, path: str, times: int, lost: str, total: _Total) -> Iterator[FieldError]:
    try:
        program = made.program
    except CompileError as error:
        yield invalid(f"{path}.rule", rule, f"compilation failed: {error}")
        return
    except ValueError as error:
        yield invalid(f"{path}.rule", rule, str(error))
        return
    cost = min(program.cost.most * times, _MOST)
    total.costs.append((cost, f"{path}.rule"))
    if cost > RULE_LIMIT:
        yield forbidden(f"{path}.rule", _too_dear("estimated rule cost", cost, RULE_LIMIT))
    yield from _message(made, rule, f"{path}.messageExpression", total)
    if made.compares and lost:
        why = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {lost}"
        yield invalid(f"{path}.rule", rule["rule"], why)
    elif not made.compares and rule.get("optionalOldSelf") is not None:
        why = "may not be set if oldSelf is not used in rule"
        yield invalid(f"{path}.optionalOldSelf", rule["optionalOldSelf"], why)


def _message(made: Rule, rule: JSON, path: str, total: _Total) -> Iterator[FieldError]:
    try:
        program = made.message_program
    except CompileError as error:
        yield invalid(path, rule, f"messageExpression compilation failed: {error}")
        return
    except ValueError as error:
        yield invalid(path, rule, str(error))
        return
    if program:
        cost = min(program.cost.most, _MOST)
        total.costs.append((cost, path))
        if cost > RULE_LIMIT:
            yield forbidden(path, _too_dear("estimated messageExpression cost", cost, RULE_LIMIT))


def _too_dear(what: str, cost: int, limit: int) -> str:
    times = cost / limit
    factor = "more than 100x" if times > 100 else f"{times:f}x" if times < 1.5 else f"{times:.1f}x"
    return f"{what} exceeds budget by factor of {factor} ({_ADVICE})"
