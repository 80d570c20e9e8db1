"""Which rules hold for which definition."""

from __future__ import annotations

from functools import cache

from knarr.api.kind import Rules


@cache
def _by_definition() -> dict[str, tuple[Rules, ...]]:
    from knarr.api.rules.table import RULES  # here, since the rules are many and decoding needs none

    grouped: dict[str, tuple[Rules, ...]] = {}
    for rules in RULES:
        grouped[rules.definition] = (*grouped.get(rules.definition, ()), rules)
    return grouped


def rules_of(definition: str) -> tuple[Rules, ...]:
    return _by_definition().get(definition, ())
