"""Every rule is about something that is published."""

from __future__ import annotations

import pytest

from knarr.api.kind import Rules
from knarr.api.rules.table import RULES
from knarr.api.schema.cache import definition


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.definition)
def test_fields_of_rules_are_published(rule: Rules) -> None:
    named = {*rule.defaults, *rule.required, *rule.enums, *rule.bounds, *rule.names, *rule.immutable}
    assert named <= set(definition(rule.definition)["properties"])
