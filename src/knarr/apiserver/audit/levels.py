"""How fully requests are recorded, and when."""

from __future__ import annotations

from enum import IntEnum

import msgspec


class Level(IntEnum):
    """Each says what those before say, and more."""

    NONE = 0
    METADATA = 1
    REQUEST = 2
    REQUEST_RESPONSE = 3


LEVELS = {
    "None": Level.NONE,
    "Metadata": Level.METADATA,
    "Request": Level.REQUEST,
    "RequestResponse": Level.REQUEST_RESPONSE,
}
NAMES = {level: name for name, level in LEVELS.items()}

RECEIVED = "RequestReceived"  # before anybody has looked at it
STARTED = "ResponseStarted"  # of what lasts: the head of the answer is known
COMPLETE = "ResponseComplete"
PANIC = "Panic"  # what was not expected to fail
STAGES = (RECEIVED, STARTED, COMPLETE, PANIC)


class Decision(msgspec.Struct, frozen=True):
    """How a request is recorded."""

    level: Level = Level.NONE
    omitted: frozenset[str] = frozenset()  # stages
    without_managed_fields: bool = False
