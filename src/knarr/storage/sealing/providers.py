"""Which key a value is read with: each has a prefix, and the first that fits and can reads; the first of all writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from knarr.machinery.errors import aggregate
from knarr.storage.sealing import ENCRYPTED, SealError

if TYPE_CHECKING:
    from knarr.storage.sealing.ciphers import Cipher


class Opened(NamedTuple):
    """A value as it is read, and whether it is `stale`: it would be sealed otherwise now."""

    value: bytes
    stale: bool


class KeyAbsentError(SealError):
    """The key that would open a value has to be asked for first: `fetch`, which raises SealError."""

    def __init__(self, fetch: Callable[[], Awaitable[None]]) -> None:
        super().__init__("the key is not known yet")
        self.fetch = fetch


class Provider(Protocol):
    """What values that begin with `prefix` are sealed by; what it takes and gives is without the prefix."""

    prefix: bytes

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """Raises SealError."""

    def open(self, sealed: bytes, place: bytes) -> Opened:
        """Raises SealError, KeyAbsentError."""


class Identity:
    """Values as they are; what is encrypted is not for it to read."""

    prefix = b""

    def seal(self, plain: bytes, place: bytes) -> bytes:
        return plain

    def open(self, sealed: bytes, place: bytes) -> Opened:
        if sealed.startswith(ENCRYPTED):
            raise SealError("identity transformer tried to read encrypted data")
        return Opened(sealed, stale=False)


class Keyed:
    """One key, known by its name."""

    def __init__(self, name: str, cipher: Cipher) -> None:
        self.prefix = f"{name}:".encode()
        self.seal = cipher.seal
        self._cipher = cipher

    def open(self, sealed: bytes, place: bytes) -> Opened:
        return Opened(self._cipher.open(sealed, place), stale=False)


class Tally(NamedTuple):
    """Whom to tell: `done` hears what was done (`to_storage` or `from_storage`), by which prefix, since when by `now`,
    and how it failed.
    """

    now: Callable[[], float]
    done: Callable[[str, bytes, float, SealError | None], None]


SILENT = Tally(float, lambda *_: None)


class Providers:
    """Several in their order, behind a prefix that they share. A Provider itself.

    One that fails is no reason not to ask the next with the same prefix: keys of one name may be listed twice.
    """

    def __init__(self, members: Sequence[Provider], otherwise: str, prefix: bytes = b"", tally: Tally = SILENT) -> None:
        self.prefix = prefix
        self._members = members
        self._otherwise = otherwise  # what is wrong where no prefix fits
        self._tally = tally

    def seal(self, plain: bytes, place: bytes) -> bytes:
        first, began = self._members[0], self._tally.now()
        try:
            sealed = first.prefix + first.seal(plain, place)
        except SealError as error:
            self._tally.done("to_storage", first.prefix, began, error)
            raise
        self._tally.done("to_storage", first.prefix, began, None)
        return sealed

    def open(self, sealed: bytes, place: bytes) -> Opened:
        failures, began = list[SealError](), self._tally.now()
        for member in self._members:
            if not sealed.startswith(member.prefix):
                continue
            try:
                value, stale = member.open(sealed[len(member.prefix) :], place)
            except KeyAbsentError:
                raise
            except SealError as error:
                if member.prefix:  # what identity refuses is meant for another
                    self._tally.done("from_storage", member.prefix, began, error)
                    failures.append(error)
                continue
            self._tally.done("from_storage", member.prefix or b"identity", began, None)
            return Opened(value, stale or member is not self._members[0])
        raise self._failed(failures, began)

    def _failed(self, failures: Sequence[SealError], began: float) -> SealError:
        if not failures:
            failure = SealError(self._otherwise)
            self._tally.done("from_storage", b"unknown", began, failure)
            return failure
        return SealError(aggregate(list(dict.fromkeys(map(str, failures)))))


async def opened(by: Provider, sealed: bytes, place: bytes) -> Opened:
    """Open a value, with a key that has to be asked for if need be. Raises SealError."""
    try:
        return by.open(sealed, place)
    except KeyAbsentError as absent:
        await absent.fetch()
    return by.open(sealed, place)
