"""Large bodies, cut into what one write takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

# Bytes: below, joining head and body is cheaper than a second write; above, TLS grows a buffer to hold all that one
# write encrypts, and for megabytes copying that along costs the most.
ONE_WRITE = 64 * 1024


def sliced(body: bytes) -> Iterator[memoryview]:
    """The body in parts of this size."""
    view = memoryview(body)
    return (view[start : start + ONE_WRITE] for start in range(0, len(body), ONE_WRITE))


def joined(pieces: Sequence[bytes | memoryview], size: int) -> Iterator[bytes]:
    """Pieces of this size in all, so many at once as make about a write: the join stays small enough for the
    processor's cache.
    """
    many = max(1, len(pieces) * ONE_WRITE // max(size, 1))
    return (b"".join(pieces[start : start + many]) for start in range(0, len(pieces), many))
