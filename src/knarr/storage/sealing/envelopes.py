"""KMS v2: values sealed by seeds of our own, which a plugin has encrypted and which lie beside what they seal.

So a value costs no call: the plugin is asked once for each seed, to encrypt ours and to decrypt those of others. A seed
is made at the start and whenever the plugin has another key (renewing.py); what was sealed under another key is stale.

https://kubernetes.io/docs/tasks/administer-cluster/kms-provider/ and KEP-3299
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from knarr.machinery.clock import Clock
from knarr.machinery.figures import Count, Figures
from knarr.machinery.remembering import Bounded
from knarr.machinery.times import format_time
from knarr.storage.sealing import SealError
from knarr.storage.sealing.ciphers import GCM, Cipher, SeededGCM
from knarr.storage.sealing.figures import CACHE_MISSES, KEY_ID_TIMES, KEY_IDS
from knarr.storage.sealing.plugins import Encrypted, Plugin, PluginError
from knarr.storage.sealing.providers import KeyAbsentError, Opened
from knarr.storage.sealing.sources import SEED, Source, join, key_hash, read, split

_KNOWN = 10_000  # keys; clusters that once had one for each object have many
_PAUSE = 3.0  # seconds without a question after one that was not answered


@dataclass(frozen=True, slots=True)
class Known:
    """A source whose key is known, and what is told of its use: how often, and when the last time."""

    source: Source
    cipher: Cipher
    uses: Count
    used: Count


@dataclass(slots=True)
class Writing:
    """What new values are sealed with, until it `expires`; `written` is its source as each of them has it."""

    known: Known
    written: bytes
    expires: datetime


class Envelopes:
    """A Provider: the values of one KMS plugin."""

    def __init__(self, plugin: Plugin, clock: Clock, figures: Figures, server: str) -> None:
        """`server`: what tells this API server's figures from others'."""
        self.prefix = f"k8s:enc:kms:v2:{plugin.name}:".encode()
        self.plugin = plugin
        self.writing: Writing | None = None  # until a seed has been made there is nothing to seal with, nor is a read
        self._clock, self._figures, self._server = clock, figures, server
        self._known: Bounded[Source, Known] = Bounded(_KNOWN)
        self._as_written: Bounded[bytes, Known] = Bounded(_KNOWN)
        self._unanswered: tuple[float, PluginError] | None = None  # since when, and how

    def seal(self, plain: bytes, place: bytes) -> bytes:
        writing, now = self._sealing(), self._clock.now()
        if now > writing.expires:
            hashed = key_hash(writing.known.source.encrypted.key_id)
            times = f"expired at {format_time(writing.expires)} (current time is {format_time(now)})"
            raise SealError(f'encryptedDEKSource with keyID hash "{hashed}" {times}')
        writing.known.uses.n += 1
        writing.known.used.n = now.timestamp()
        return join(writing.known.cipher.seal(plain, place), writing.written)

    def open(self, sealed: bytes, place: bytes) -> Opened:
        data, written = split(sealed)
        known = self._as_written.get(written) or self._find(written)
        ours = self._sealing().known.source
        known.uses.n += 1
        known.used.n = self._clock.now().timestamp()
        value = known.cipher.open(data, place)
        return Opened(value, (known.source.encrypted.key_id, known.source.kind) != (ours.encrypted.key_id, ours.kind))

    def seal_with(self, seed: bytes, encrypted: Encrypted, expires: datetime) -> None:
        """Seal with this seed from now on. Raises SealError for what the plugin may not make of it."""
        source = Source(encrypted)
        source.check()
        self._learn(source, SeededGCM(seed))
        self.writing = Writing(self._told("to_storage", source, SeededGCM(seed)), source.written(), expires)

    def reached(self) -> None:
        """The plugin gives answers."""
        self._unanswered = None

    def _sealing(self) -> Writing:
        if self.writing is None:
            raise SealError("got unexpected nil transformer")
        return self.writing

    def _find(self, written: bytes) -> Known:
        """By what the bytes mean: others may write the same in another order."""
        source = read(written)
        known = self._known.get(source)
        if known is None:
            raise KeyAbsentError(partial(self._ask, source))
        return self._as_written.keep(written, known)

    async def _ask(self, source: Source) -> None:
        """Have the plugin decrypt a key. One that has just given no answer is not waited for again and again."""
        if self._unanswered and self._clock.monotonic() - self._unanswered[0] < _PAUSE:
            raise SealError(f"failed to decrypt DEK, error: {self._unanswered[1]}")
        self._figures.count(CACHE_MISSES).n += 1
        try:
            key = await self.plugin.decrypt(source.encrypted)
        except PluginError as error:
            self._unanswered = (self._clock.monotonic(), error) if error.unanswered else None
            raise SealError(f"failed to decrypt DEK, error: {error}") from None
        self._unanswered = None
        try:
            self._learn(source, SeededGCM(key) if source.kind == SEED else GCM(key))
        except ValueError:
            raise SealError(f"crypto/aes: invalid key size {len(key)}") from None

    def _learn(self, source: Source, cipher: Cipher) -> None:
        self._known.keep(source, self._told("from_storage", source, cipher))

    def _told(self, kind: str, source: Source, cipher: Cipher) -> Known:
        labels = (kind, self.plugin.name, key_hash(source.encrypted.key_id), self._server)
        return Known(source, cipher, self._figures.count(KEY_IDS, labels), self._figures.count(KEY_ID_TIMES, labels))
