"""Selectors as objects carry them: plain maps, metav1.LabelSelector, the expressions of a NodeSelectorTerm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from knarr.machinery.selectors.labels import NOTHING, LabelSelector, Operator, Requirement, SelectorError, checked

_EXPRESSIONS: dict[str, Operator] = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
_NODE_EXPRESSIONS: dict[str, Operator] = {**_EXPRESSIONS, "Gt": "gt", "Lt": "lt"}


def from_map(labels: Mapping[str, str] | None) -> LabelSelector:
    """The selector of a Service or ReplicationController: every label equal; none selects nothing."""
    if not labels:
        return NOTHING
    return LabelSelector(tuple(Requirement(key, "=", frozenset((value,))) for key, value in labels.items()))


def from_label_selector(selector: Mapping[str, Any] | None) -> LabelSelector:
    """A metav1.LabelSelector: absent selects nothing, empty everything. Raises SelectorError."""
    if selector is None:
        return NOTHING
    equal = [checked(k, "in", [v]) for k, v in (selector.get("matchLabels") or {}).items()]
    expressions = [_expression(e) for e in selector.get("matchExpressions") or ()]
    return LabelSelector((*equal, *expressions))


def _expression(expression: Mapping[str, Any], operators: Mapping[str, Operator] = _EXPRESSIONS) -> Requirement:
    operator = operators.get(expression.get("operator", ""))
    if operator is None:
        raise SelectorError(f'"{expression.get("operator", "")}" is not a valid label selector operator')
    return checked(expression.get("key", ""), operator, expression.get("values") or ())


def from_node_expressions(expressions: Iterable[Mapping[str, Any]]) -> LabelSelector:
    """The matchExpressions of a NodeSelectorTerm, which also know Gt and Lt. Raises SelectorError."""
    return LabelSelector(tuple(_expression(e, _NODE_EXPRESSIONS) for e in expressions))
