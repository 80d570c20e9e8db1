"""What is in the store and cannot be read, and why: kept apart from all that can."""

from __future__ import annotations

import logging

from knarr.storage.store import UnreadableError
from knarr.storage.subscriptions import covers

log = logging.getLogger(__name__)


class Unreadables(dict[str, UnreadableError]):
    """By key."""

    def check(self, prefix: str) -> None:
        """Raises UnreadableError where something below a prefix, or at a key, is among them."""
        for key, error in self.items():
            if covers(prefix, key):
                raise UnreadableError(key, error.why)

    def warn(self, known: int = 0) -> None:
        """Say so where there are more than were known. Many in one line: without a key nothing of it can be read."""
        if len(self) > known:
            log.warning("%d objects cannot be read, the first: %s", len(self), next(iter(self.values())))
