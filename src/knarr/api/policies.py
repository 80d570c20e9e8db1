"""What the kinds of admission policies have in common, and needs no expressions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from knarr.api.cells import format_selector
from knarr.api.checks import named
from knarr.api.kind import JSON, Column
from knarr.machinery.fielderrors import FieldError, invalid, not_supported
from knarr.machinery.names import qualified_name

_UNSET = "<unset>"


def _param_kind(policy: JSON, now: datetime) -> str:
    kind = (policy.get("spec") or {}).get("paramKind")
    return f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else _UNSET


def _param_ref(binding: JSON, now: datetime) -> str:
    ref = (binding.get("spec") or {}).get("paramRef")
    if not ref:
        return _UNSET
    if not ref.get("name"):
        return format_selector(ref.get("selector"))
    return f"{ref['namespace']}/{ref['name']}" if ref.get("namespace") else str(ref["name"])


PARAM_KIND = Column("ParamKind", _param_kind)
PARAM_REF = Column("ParamRef", _param_ref)


_CHANGEABLE = ("*", "CONNECT", "CREATE", "UPDATE")


def changeable(resources: JSON, path: str) -> Iterable[FieldError]:
    """What is deleted cannot be changed by a policy."""
    for rule in resources.get("resourceRules") or ():
        for operation in rule.get("operations") or ():
            if operation not in _CHANGEABLE:
                yield not_supported(f"{path}.resourceRules.operations", operation, _CHANGEABLE)


def annotation_keys(policy: JSON) -> Iterable[FieldError]:
    """Audit annotations are published under the policy's name."""
    name = policy["metadata"].get("name") or ""
    for index, annotation in enumerate(policy["spec"].get("auditAnnotations") or ()):
        at, key = f"spec.auditAnnotations[{index}].key", annotation.get("key") or ""
        if not name:
            yield invalid(at, key, "requires metadata.name be non-empty")
        else:
            yield from named(at, f"{name}/{key}", qualified_name)
