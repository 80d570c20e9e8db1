"""The label by which selectors name a namespace (KEP-2161)."""

from __future__ import annotations

from knarr.api.kind import JSON

NAME_LABEL = "kubernetes.io/metadata.name"


def label(namespace: JSON) -> None:
    """Have a namespace carry its own name; one without is refused for that."""
    metadata = namespace.get("metadata") or {}
    if name := metadata.get("name"):
        metadata["labels"] = {**(metadata.get("labels") or {}), NAME_LABEL: name}
