"""A memo of what was made last."""

from __future__ import annotations

from collections.abc import Hashable

_REMEMBERED = 256


class Recent(dict[Hashable, bytes]):
    """The frames that watches were sent last.

    The cache hands a change to all its watchers in one go, so remembering a few is enough for all of them to share
    one; what is remembered longer would only cost memory.
    """

    def remember(self, key: Hashable, frame: bytes) -> bytes:
        if len(self) >= _REMEMBERED:
            self.clear()
        self[key] = frame
        return frame
