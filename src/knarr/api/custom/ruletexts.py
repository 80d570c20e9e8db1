"""Rules as they are written, before anybody compiles them: x-kubernetes-validations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from knarr.api.custom.fieldpaths import FieldPathError, field_at
from knarr.api.kind import JSON
from knarr.machinery.fielderrors import FieldError, invalid, not_supported, required

RULES = "x-kubernetes-validations"
REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_NEW_LINE = re.compile(r"[\n\r]")


def check_rule_texts(schema: JSON, path: str) -> Iterator[FieldError]:
    """What is wrong with rules before anybody compiles them."""
    for index, rule in enumerate(schema.get(RULES) or ()):
        at = f"{path}.{RULES}[{index}]"
        yield from _rule(rule, at)
        if rule.get("messageExpression") and not rule["messageExpression"].strip():
            yield required(f"{at}.messageExpression", "messageExpression must be non-empty if specified")
        if rule.get("reason") is not None and rule["reason"] not in REASONS:
            yield not_supported(f"{at}.reason", rule["reason"], REASONS)
        yield from _field_path(rule.get("fieldPath") or "", f"{at}.fieldPath", schema)


def has_rules(schema: JSON) -> bool:
    """Whether a schema, or one below it, has rules."""
    parts = [*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return bool(schema.get(RULES)) or any(has_rules(part) for part in parts if isinstance(part, dict))


def _rule(rule: JSON, path: str) -> Iterator[FieldError]:
    text, message = rule.get("rule") or "", rule.get("message") or ""
    if not text.strip():
        yield required(f"{path}.rule", "rule is not specified")
    elif message and not message.strip():
        yield invalid(f"{path}.message", message, "message must be non-empty if specified")
    elif _NEW_LINE.search(message.strip()):
        yield invalid(f"{path}.message", message, "message must not contain line breaks")
    elif _NEW_LINE.search(text.strip()) and not message.strip():
        yield required(f"{path}.message", "message must be specified if rule contains line breaks")


def _field_path(given: str, path: str, schema: JSON) -> Iterator[FieldError]:
    if given and not given.strip():
        yield invalid(path, given, "fieldPath must be non-empty if specified")
    if _NEW_LINE.search(given):
        yield invalid(path, given, "fieldPath must not contain line breaks")
    try:
        field_at(given, schema)
    except FieldPathError as error:
        yield invalid(path, given, f"fieldPath must be a valid path: {error}")
