"""Names of finalizers: everybody's own begins with a domain, so that no two mean the same one."""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.kind import JSON

_STANDARD = frozenset({"kubernetes", "orphan", "foregroundDeletion"})


def is_unqualified(name: str) -> bool:
    """Whether it is neither qualified nor one of those that Kubernetes itself has."""
    return "/" not in name and name not in _STANDARD


def finalizer_warnings(new: JSON, old: JSON | None) -> Iterator[str]:
    """Custom resources may call theirs as they like, and are warned."""
    finalizers = new["metadata"].get("finalizers") or ()
    if old is not None and finalizers == (old["metadata"].get("finalizers") or ()):
        return
    advice = (
        "prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other "
        "finalizer writers"
    )
    for index, name in enumerate(finalizers):
        if is_unqualified(name):
            yield f'metadata.finalizers[{index}]: "{name}": {advice}'
