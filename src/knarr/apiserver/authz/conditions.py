"""Match conditions of a webhook authorizer: expressions over the review that it would be asked, as `request`.

Loaded when a configuration has some. https://kubernetes.io/docs/reference/access-authn-authz/authorization/#using-configuration-file-for-authorization
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from knarr.api.expressions import ExpressionError, compiled_in
from knarr.api.kind import JSON
from knarr.machinery.cel import (
    BOOL,
    STRING,
    Budget,
    CelError,
    Environment,
    Program,
    list_of,
    map_of,
    object_of,
)
from knarr.machinery.errors import aggregate

_BUDGET = 10_000_000  # cost units of all conditions of a webhook, about one request
_REQUIREMENT = object_of(
    "kubernetes.SelectorRequirement", {"key": STRING, "operator": STRING, "values": list_of(STRING)}
)
_SELECTOR = {"rawSelector": STRING, "requirements": list_of(_REQUIREMENT)}
_RESOURCE = object_of(
    "kubernetes.ResourceAttributes",
    {
        **dict.fromkeys(("namespace", "verb", "group", "version", "resource", "subresource", "name"), STRING),
        "fieldSelector": object_of("kubernetes.FieldSelectorAttributes", _SELECTOR),
        "labelSelector": object_of("kubernetes.LabelSelectorAttributes", _SELECTOR),
    },
)
_REQUEST = object_of(
    "kubernetes.SubjectAccessReviewSpec",
    {
        "resourceAttributes": _RESOURCE,
        "nonResourceAttributes": object_of("kubernetes.NonResourceAttributes", {"path": STRING, "verb": STRING}),
        "user": STRING,
        "groups": list_of(STRING),
        "extra": map_of(STRING, list_of(STRING)),
        "uid": STRING,
    },
)
_ENVIRONMENT = Environment({"request": _REQUEST})


class ConditionError(Exception):
    """Conditions that cannot be evaluated, none of which says no."""


@lru_cache(maxsize=256)
def compiled(text: str) -> Program:
    """The program of a condition. Raises ExpressionError, whose text is the detail of its field error."""
    program = compiled_in(_ENVIRONMENT, text, ())
    if program.type != BOOL:
        raise ExpressionError(f"must evaluate to bool but got {program.type}")
    return program


def meets(conditions: Sequence[Program], request: JSON, here: int | None) -> bool:
    """Whether all hold; one that does not outweighs errors of others. Raises ConditionError, and LaboriousError where
    that takes more than `here` cost units.
    """
    errors, budget = [], Budget(_BUDGET, here)
    for program in conditions:
        try:
            if not program.evaluate({"request": request}, budget):
                return False
        except CelError as error:
            errors.append(f"cel evaluation error: expression '{program.text}' resulted in error: {error}")
    if errors:
        raise ConditionError(aggregate(errors))
    return True
