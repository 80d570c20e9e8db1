"""The table of rules lists every file, and every rule is about something that is published."""

from __future__ import annotations

import pkgutil

import pytest

from knarr.api import rules
from knarr.api.kind import Rules
from knarr.api.rules import table
from knarr.api.rules.table import RULES
from knarr.api.schema.cache import definition


def test_table_lists_every_file() -> None:
    files = {module.name for module in pkgutil.iter_modules(rules.__path__)} - {"table"}
    assert {name for name in vars(table) if name in files} == files
    assert [rule for name in files for rule in vars(table)[name].RULES if rule not in RULES] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.definition)
def test_fields_of_rules_are_published(rule: Rules) -> None:
    named = {*rule.defaults, *rule.required, *rule.enums, *rule.bounds, *rule.names, *rule.immutable}
    assert named <= set(definition(rule.definition)["properties"])
