"""A controller must select the Pods that it makes."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.machinery.fielderrors import FieldError, invalid
from knarr.machinery.selectors import LabelSelector, SelectorError, from_label_selector, from_map

MISMATCH = "`selector` does not match template `labels`"


def selector_of(selector: JSON) -> LabelSelector:
    """A metav1.LabelSelector, or the plain map of a ReplicationController or Service."""
    structured = "matchLabels" in selector or "matchExpressions" in selector
    return from_label_selector(selector) if structured else from_map(selector)


def validate_selection(spec: JSON, path: str, empty: str) -> Iterable[FieldError]:
    """The selector is not empty and matches the template; what is no selector at all its own rules report."""
    given, labels = spec.get("selector"), dig(spec, "template.metadata.labels", {})
    try:
        selector = selector_of(given or {})
    except SelectorError:
        return
    if given is not None and selector.everything:
        yield invalid(f"{path}.selector", given, empty)
    if selector.everything or not selector.matches(labels):
        yield invalid(f"{path}.template.metadata.labels", labels, MISMATCH)
