"""TLS contexts that follow their files: who renews a certificate replaces it, and tells nobody.

Each connection looks at its files before it is made: three calls of stat(2), 4 us beside a handshake's 700. Watching
the folders (inotify) would take a task for each context, say nothing on network file systems, and still come too late
for the connection that is being made right now.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

log = logging.getLogger(__name__)

Mark = tuple[int, int, int] | None  # of a file's content: inode, size and time of change; None without a file


class FollowingContext(ssl.SSLContext):
    """What `make` makes of `files`, made anew for the first connection after they have changed.

    Connections that exist keep what they were made with. Files that do not fit together (half of a certificate, the key
    of another one) change nothing; that is logged once, and tried again for the next connection. `until_there` serves
    as long as the files are yet to come; without it their absence is a FileNotFoundError.
    """

    def __init__(
        self,
        _protocol: int,
        make: Callable[[], ssl.SSLContext],
        files: Sequence[Path],
        until_there: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        super().__init__()
        self._make, self._files = make, files
        self._seen = self._complained = _marks(files)
        self._stale = until_there is not None and None in self._seen
        self._current = until_there() if until_there and self._stale else make()

    def look(self) -> ssl.SSLContext:
        """The context for a connection of now. It is another object after every change."""
        marks = _marks(self._files)
        if marks != self._seen or self._stale:
            self._renew(marks)
        return self._current

    def _renew(self, marks: Sequence[Mark]) -> None:
        self._seen, self._stale = marks, True
        try:
            self._current, self._stale = self._make(), False
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            if marks != self._complained:
                log.warning("%s stays as it was: %s", self._files[0], error)
            self._complained = marks

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return self.look().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


def present(context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """What a connection of now would be made with."""
    return context.look() if isinstance(context, FollowingContext) else context


def _marks(files: Sequence[Path]) -> Sequence[Mark]:
    return [mark_of(file) for file in files]


def mark_of(file: Path) -> Mark:
    """What tells a file's contents apart; None without a file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
