"""What a server encrypts with while it runs: the file, what was made of it, and what is to be made of it when it
changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from knarr.api.kind import Kind
from knarr.apiserver.configfiles import ConfigFileError, digest_of
from knarr.apiserver.encryption.building import Rules, build
from knarr.apiserver.encryption.configuration import KMS, read
from knarr.apiserver.encryption.validation import problems
from knarr.apiserver.health import Check
from knarr.apiserver.metrics.reloads import ReloadFigures
from knarr.machinery.clock import Clock
from knarr.machinery.figures import Count, Figures, Spread
from knarr.machinery.times import parse_duration
from knarr.storage.cache import WatchCache
from knarr.storage.sealing import SealError, providers
from knarr.storage.sealing.figures import DURATION, OPERATIONS
from knarr.storage.sealing.providers import Tally
from knarr.storage.sealing.store import Decode, Place, SealedStore
from knarr.storage.store import Store, UnavailableError

if TYPE_CHECKING:
    from knarr.apiserver.encryption.plugged import Plugged

log = logging.getLogger(__name__)

POLL_SECONDS = 60.0  # upstream's
PROBE_SECONDS, PROBE_EVERY = 10.0, 0.1  # that a new plugin has to be found well


class Operation(NamedTuple):
    """One way of transforming values: how often, and how long it took."""

    times: Count
    seconds: Spread


@dataclass(slots=True)
class InForce:
    """One configuration, its plugins being looked after."""

    rules: Rules
    digest: str
    plugins: list[Plugged] = field(default_factory=list)

    def start(self) -> None:
        for plugged in self.plugins:
            plugged.start()

    async def close(self) -> None:
        for plugged in self.plugins:
            await plugged.close()


class Encryption:
    """See the module's docstring."""

    def __init__(self, path: Path, kinds: Iterable[Kind], clock: Clock, *, reload: bool) -> None:
        self.figures = Figures()
        self._reloads = ReloadFigures("encryption", self.figures, clock)
        self._path = path
        self._kinds = kinds
        self._clock = clock
        self._reload = reload
        self._operations: dict[tuple[str, bytes, bool], Operation] = {}
        self._now: InForce | None = None
        self._store: SealedStore | None = None
        self._cache: WatchCache | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Read the file, and ask its plugins; one that does not answer may come later. Raises ConfigFileError."""
        self._now = self._made(_content(self._path))
        self._reloads.loaded(self._now.digest)
        await asyncio.gather(*(plugged.renewal.look() for plugged in self._now.plugins))
        self._now.start()

    def over(self, store: Store, place: Place, decode: Decode) -> SealedStore:
        """The store, encrypted."""
        self._store = SealedStore(store, self._in_force.rules, place=place, decode=decode)
        return self._store

    def use(self, cache: WatchCache) -> None:
        """Whom to have look again at what could not be read, when that may have changed."""
        self._cache = cache

    async def run(self) -> None:
        """Follow the file, if that is wanted, until cancelled."""
        while self._reload:
            await self._clock.sleep(POLL_SECONDS)
            await self.follow()

    async def follow(self) -> None:
        """Do as the file says now. Where it cannot be, go on as before."""
        try:
            content = _content(self._path)
            if digest_of(content) == self._in_force.digest:
                return
            await self._change(self._made(content))
        except ConfigFileError as error:
            log.error("the encryption configuration %s is not in force: %s", self._path, error)
            self._reloads.reloaded(succeeded=False)
        else:
            log.info("the encryption configuration %s is in force", self._path)
            self._reloads.reloaded(succeeded=True)
            self._reloads.loaded(self._in_force.digest)

    def checks(self) -> Mapping[str, Check]:
        """What is asked at the health endpoints: all plugins by one name, as upstream has it."""
        return {"kms-providers": self._fault} if self._reload or self._in_force.plugins else {}

    async def close(self) -> None:
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await self._in_force.close()

    @property
    def _in_force(self) -> InForce:
        assert self._now, "it has not been started"
        return self._now

    def _made(self, content: bytes) -> InForce:
        """Raises ConfigFileError."""
        found = read(content)
        if errors := problems(found, reload=self._reload):
            raise ConfigFileError(", ".join(map(str, errors)))
        plugins: list[Plugged] = []
        rules = build(found, self._kinds, partial(self._plugin, plugins), Tally(self._clock.monotonic, self._done))
        return InForce(rules, digest_of(content), plugins)

    def _plugin(self, plugins: list[Plugged], kms: KMS) -> providers.Provider:
        from knarr.apiserver.encryption.plugged import Plugged  # few have any

        timeout = parse_duration(kms.timeout)
        plugins.append(Plugged(kms, timeout, self._clock, self.figures, self._reloads.server, self._renewed))
        return plugins[-1].envelopes

    async def _change(self, new: InForce) -> None:
        """Raises ConfigFileError, and nothing has changed."""
        try:
            await asyncio.gather(*map(self._require_well, new.plugins))
        except ConfigFileError:
            await new.close()
            raise
        old, self._now = self._in_force, new
        new.start()
        if self._store:
            self._store.seal_by(new.rules)
        self._leave(old)
        await self._reread(new.rules.prefixes(old.rules))

    async def _require_well(self, plugged: Plugged) -> None:
        until = self._clock.monotonic() + PROBE_SECONDS
        while fault := await plugged.renewal.look():
            if self._clock.monotonic() >= until:
                raise ConfigFileError(f"health check for new transformers failed: {fault}")
            await self._clock.sleep(PROBE_EVERY)

    def _leave(self, old: InForce) -> None:
        """Part from its plugins when no request can be under way that uses them."""

        async def later() -> None:
            try:
                await self._clock.sleep(2 * sum(plugged.timeout for plugged in old.plugins))
            finally:
                await old.close()

        task = asyncio.create_task(later(), name="old KMS plugins")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _renewed(self) -> None:
        """A plugin is well: it may open now what nobody could."""
        if self._cache and self._cache.unreadable:
            closed = [prefix for prefix in self._in_force.rules.prefixes() if self._holds_unreadable(prefix)]
            await self._reread(closed)

    def _holds_unreadable(self, prefix: str) -> bool:
        return any(key.startswith(prefix) for key in (self._cache.unreadable if self._cache else ()))

    async def _reread(self, prefixes: Iterable[str]) -> None:
        if self._cache:
            with suppress(UnavailableError):  # it will load everything when the store is there again
                for prefix in prefixes:
                    await self._cache.reread(prefix)

    def _fault(self) -> str:
        found = {f"kms-provider-{n}": plugged.renewal.fault() for n, plugged in enumerate(self._in_force.plugins)}
        return ", ".join(f"{name}: {fault}" for name, fault in found.items() if fault)

    def _done(self, kind: str, prefix: bytes, began: float, error: SealError | None) -> None:
        operation = self._operations.get((kind, prefix, error is None)) or self._operation(kind, prefix, error is None)
        operation.times.n += 1
        if error is None:
            operation.seconds.observe(self._clock.monotonic() - began)

    def _operation(self, kind: str, prefix: bytes, well: bool) -> Operation:
        """How it is told of; kept, as every value counts."""
        labels = kind, prefix.decode()
        times = self.figures.count(OPERATIONS, (*labels, "OK" if well else "unknown-non-grpc"))
        found = self._operations[kind, prefix, well] = Operation(times, self.figures.spread(DURATION, labels))
        return found


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigFileError(f"error reading encryption provider configuration file: {error.strerror}") from None
    if not content:
        raise ConfigFileError("encryption provider configuration file is empty")
    return content
