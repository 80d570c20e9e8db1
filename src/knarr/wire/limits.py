"""What a connection may ask of a server."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_LIMIT = 1024 * 1024  # bytes of start line and fields; Go's
PATH_LIMIT = 64 * 1024  # bytes before the question mark
PARAMETERS_LIMIT = 10_000  # of a query; Go's
BODY_LIMIT = 3 * 1024 * 1024  # bytes; what upstream's API server takes


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    body: int = BODY_LIMIT
    head: int = HEAD_LIMIT
    fields: int = 10_000  # lines of the head, which cost more than their bytes
    message: float = 60.0  # within which a request must have arrived whole
    pipeline: int = 8  # requests read ahead while one is being answered
