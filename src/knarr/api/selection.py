"""A controller must select the Pods that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.machinery.selectors import LabelSelector, SelectorError, from_label_selector, from_map

MISMATCH = "`selector` does not match template `labels`"


def selector_of(selector: JSON | None) -> LabelSelector:
    """A metav1.LabelSelector, or the plain map of a ReplicationController; none selects nothing."""
    structured = not selector or "matchLabels" in selector or "matchExpressions" in selector
    return from_label_selector(selector) if structured else from_map(selector)


def selects(selector: JSON, labels: Mapping[str, str]) -> bool:
    """Whether the labels match; what is no selector at all its own rules report."""
    try:
        return selector_of(selector).matches(labels)
    except SelectorError:
        return True


def validate_selection(spec: JSON, path: str, empty: str) -> Iterable[FieldError]:
    """The selector is not empty and matches the template; what is no selector at all its own rules report."""
    given, labels = spec.get("selector"), dig(spec, "template.metadata.labels", {})
    try:
        selector = selector_of(given)
    except SelectorError:
        return
    if selector.everything:
        yield invalid(f"{path}.selector", given, empty)
    elif not selector.matches(labels):
        yield invalid(f"{path}.template.metadata.labels", labels or None, MISMATCH)
