"""Asks a KMS plugin how it is and which key it has, and makes a new seed when that is another.

Upstream's times: a plugin that is well is asked every minute, one that is not every ten seconds. While it is not, the
seed that there is seals for three minutes since it was well: who has waited that long after a change of keys finds
nothing afterwards that was sealed under the old one.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

from knarr.machinery.clock import Clock
from knarr.machinery.errors import aggregate
from knarr.machinery.figures import Figures
from knarr.storage.sealing import SealError
from knarr.storage.sealing.ciphers import new_seed
from knarr.storage.sealing.envelopes import Envelopes
from knarr.storage.sealing.figures import GENERATION, INVALID_KEY_IDS, STATUS_TIMES
from knarr.storage.sealing.plugins import PluginError, Status
from knarr.storage.sealing.sources import key_hash, wrong_key_id

log = logging.getLogger(__name__)

WELL_SECONDS, ILL_SECONDS = 60.0, 10.0  # between two looks
FRESH_SECONDS, STALE_SECONDS = 20.0, 3.0  # that an answer of a plugin that is well, or ill, is good enough for health
COASTING = timedelta(minutes=3)
VERSIONS = ("v2", "v2beta1")


class Renewal:
    """Looks after one plugin's seeds. `renewed` is awaited whenever the plugin was found well."""

    def __init__(
        self, envelopes: Envelopes, clock: Clock, figures: Figures, server: str, renewed: Callable[[], Awaitable[None]]
    ) -> None:
        self._envelopes = envelopes
        self._clock, self._figures, self._server = clock, figures, server
        self._renewed = renewed
        self._name = envelopes.plugin.name
        self._version = ""  # the first that it said
        self._fault = "it has not been asked yet"
        self._looked = 0.0
        self._looking = asyncio.Lock()
        self._look_now: asyncio.Task[str] | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(ILL_SECONDS if self._fault else WELL_SECONDS)
            try:
                await self.look()
            except Exception:  # who stopped asking could not write any more in three minutes
                log.exception("the KMS plugin %s could not be looked after", self._name)

    async def look(self) -> str:
        """Ask the plugin; what is wrong with it, if something is."""
        async with self._looking:
            fault = await self._asked()
            if fault and fault.partition(" uid=")[0] != self._fault.partition(" uid=")[0]:
                log.warning("%s", fault)
            if not fault:
                await self._renewed()  # before anybody is told that all is well
            self._fault, self._looked = fault, self._clock.monotonic()
        return fault

    def fault(self) -> str:
        """What was wrong the last time; when that was long ago, the plugin is asked again meanwhile."""
        good_for = STALE_SECONDS if self._fault else FRESH_SECONDS
        if self._clock.monotonic() - self._looked > good_for and (self._look_now is None or self._look_now.done()):
            self._look_now = asyncio.create_task(self.look(), name=f"KMS plugin {self._name}")
        return self._fault

    async def close(self) -> None:
        if self._look_now:
            self._look_now.cancel()
            await asyncio.gather(self._look_now, return_exceptions=True)
        await self._envelopes.plugin.close()

    async def _asked(self) -> str:
        try:
            status = await self._envelopes.plugin.status()
        except PluginError as error:
            where = "failed to perform status section of the healthz check for KMS Provider"
            return f"{where} {self._name}, error: {error}"
        self._envelopes.reached()
        faults = [fault for fault in (*self._faults(status), await self._renew(status)) if fault]
        return f"kmsv2 Provider {self._name} is not healthy, error: {aggregate(faults)}" if faults else ""

    def _faults(self, status: Status) -> list[str]:
        found = [] if status.healthz == "ok" else [f"got unexpected healthz status: {status.healthz}"]
        if status.version not in VERSIONS:
            return [*found, f"expected KMSv2 API version v2, got {status.version}"]
        self._version = self._version or status.version
        if status.version != self._version:
            changed = "KMSv2 API version should not change after the initial status response version"
            found.append(f"{changed} {self._version}, got {status.version}")
        return found

    async def _renew(self, status: Status) -> str:
        """Have a seed that the plugin's key protects; what keeps it from being so."""
        word, why = wrong_key_id(status.key_id)
        if why:
            self._figures.count(INVALID_KEY_IDS, (self._name, word)).n += 1
            return f'got invalid KMSv2 KeyID hash "{key_hash(status.key_id)}": {why}'
        labels = (self._name, key_hash(status.key_id), self._server)
        self._figures.count(STATUS_TIMES, labels).n = self._clock.now().timestamp()
        writing, expires = self._envelopes.writing, self._clock.now() + COASTING
        if writing and writing.known.source.encrypted.key_id == status.key_id:
            writing.expires = expires
            return ""
        started, seed = self._clock.monotonic(), new_seed()
        self._figures.spread(GENERATION).observe(self._clock.monotonic() - started)
        uid = str(uuid.uuid4())
        try:
            encrypted = await self._envelopes.plugin.encrypt(seed)
            if encrypted.key_id == status.key_id:
                self._envelopes.seal_with(seed, encrypted, expires)
                return ""
            fault = f'encryptKeyIDHash="{key_hash(encrypted.key_id)}"'
        except PluginError as error:
            fault = f"errGen=failed to encrypt DEK, error: {error}"
        except SealError as error:
            fault = f"errGen={error}"
        return f'failed to rotate DEK uid="{uid}", {fault}, statusKeyIDHash="{key_hash(status.key_id)}"'
