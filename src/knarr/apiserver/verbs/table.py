"""Which function answers which request: verb and subresource ("" is the object itself)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from knarr.apiserver.verbs import binding, eviction, scale
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.create import create
from knarr.apiserver.verbs.delete import delete, delete_collection
from knarr.apiserver.verbs.get import get
from knarr.apiserver.verbs.list import list_objects
from knarr.apiserver.verbs.parts import APPROVAL, EPHEMERAL_CONTAINERS, FINALIZE, RESIZE, STATUS, Part
from knarr.apiserver.verbs.patch import patch, patch_part
from knarr.apiserver.verbs.update import replace, update
from knarr.apiserver.verbs.watch import watch
from knarr.wire.messages import Answer

Verb = Callable[[Call], Awaitable[Answer]]


def _part(name: str, part: Part) -> dict[tuple[str, str], Verb]:
    """A subresource that is a part of the object: it is read whole, and written in this part."""
    return {
        ("get", name): get,
        ("update", name): partial(replace, part=part),
        ("patch", name): partial(patch_part, part=part),
    }


VERBS: Mapping[tuple[str, str], Verb] = {
    ("get", ""): get,
    ("list", ""): list_objects,
    ("watch", ""): watch,
    ("create", ""): create,
    ("update", ""): update,
    ("patch", ""): patch,
    ("delete", ""): delete,
    ("deletecollection", ""): delete_collection,
    **_part("status", STATUS),
    **_part("approval", APPROVAL),
    ("get", "scale"): scale.get,
    ("update", "scale"): scale.update,
    ("patch", "scale"): scale.patch,
    ("update", "finalize"): partial(replace, part=FINALIZE),
    ("create", "binding"): binding.bind,
    ("create", "eviction"): eviction.evict,
    **_part("ephemeralcontainers", EPHEMERAL_CONTAINERS),
    **_part("resize", RESIZE),
}

# Resources whose verbs are not those of stored objects.
UNSTORED: Mapping[tuple[str, str], Verb] = {("create", "bindings"): binding.create}
