"""What a connection may ask of a server."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_LIMIT = 1024 * 1024  # bytes of start line and fields; Go's
PATH_LIMIT = 64 * 1024  # bytes before the question mark
PARAMETERS_LIMIT = 10_000  # of a query; Go's
BODY_LIMIT = 3 * 1024 * 1024  # bytes; what upstream's API server takes


SMALL_BODY = 64 * 1024  # bytes for which there is always room


class Room:
    """What is left for large bodies. They are received before anybody knows who sends them: strangers must not fill
    the memory with them.
    """

    __slots__ = ("left",)

    def __init__(self, size: int) -> None:
        self.left = size

    def take(self, size: int) -> bool:
        """Whether it was there."""
        if size > self.left:
            return False
        self.left -= size
        return True

    def give_back(self, size: int) -> None:
        self.left += size


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    body: int = BODY_LIMIT
    bodies: int = 128 * 1024 * 1024  # of all connections together, of requests without an answer yet
    head: int = HEAD_LIMIT
    fields: int = 10_000  # lines of the head, which cost more than their bytes
    message: float = 60.0  # within which a request must have arrived whole
    pipeline: int = 8  # requests read ahead while one is being answered
