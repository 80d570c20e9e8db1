"""Classes of which one may be the default: storage classes, ingress classes."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON


def default_class(classes: Iterable[JSON], *annotations: str) -> str | None:
    """The name of the class that one of these annotations marks; of several the youngest, then the first by name."""
    marked = [
        (c["metadata"].get("creationTimestamp", ""), c["metadata"]["name"])
        for c in classes
        if any((c["metadata"].get("annotations") or {}).get(annotation) == "true" for annotation in annotations)
    ]
    youngest = max((made for made, _ in marked), default="")
    return min((name for made, name in marked if made == youngest), default=None)
