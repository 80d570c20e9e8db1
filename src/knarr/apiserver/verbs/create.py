"""POST of an object."""

from __future__ import annotations

from collections.abc import Callable

from knarr.apiserver.encoding import to_storage
from knarr.apiserver.verbs import bodies, ownership
from knarr.apiserver.verbs.answers import object_answer
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.writing import Draft, create_object
from knarr.wire.messages import Answer


async def create(call: Call) -> Answer:
    """The new object, with 201."""
    ownership.check_options(call)
    return object_answer(call, await create_object(call, reader(call)), 201)


def reader(call: Call) -> Callable[[], Draft]:
    """Reads the body anew at each call: an attempt to create must not see what an earlier one left in the tree."""

    def read() -> Draft:
        call.warnings.clear()
        tree = to_storage(call.version, bodies.read_object(call))
        tree.setdefault("metadata", {})
        return Draft(tree)

    return read
