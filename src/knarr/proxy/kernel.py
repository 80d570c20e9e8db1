"""The proxy's table in the kernel."""

from __future__ import annotations

import logging

from knarr.proxy.conntrack import Flows
from knarr.proxy.ledger import Ledger
from knarr.proxy.nftables import Nftables, NftablesError
from knarr.proxy.ruleset import Change, Network, transaction, whole
from knarr.runtime.backoff import Backoff

log = logging.getLogger(__name__)

_WITNESS = "nat-postrouting"  # a short chain whose rules tell whether the table is still ours


class Table:
    """Changes are applied to what is there; at first, and when that fails, everything is written anew, at once."""

    def __init__(self, nftables: Nftables, name: str, network: Network) -> None:
        self._nftables, self._name, self._network = nftables, name, network
        self._witness = ""  # what the chain looked like when everything was written; empty: write everything
        self._flows = Flows()
        self.backoff = Backoff()

    async def apply(self, ledger: Ledger) -> bool:
        """Make the table what the ledger says; whether that worked."""
        change = ledger.changes()
        self._flows.follow(change)
        try:
            if not (self._witness and await self._alter(change)):
                await self._rewrite(ledger)
        except NftablesError as error:
            self._witness = ""
            log.error("nftables refuses the rules of the services: %s", error)
            return False
        self.backoff.reset()
        await self._flows.forget_stale()
        return True

    async def intact(self) -> bool:
        """Whether the table still is as it was written; if not, the next apply writes everything."""
        if self._witness and self._witness != await self._look():
            log.warning("somebody has changed the nftables table %s; it is written anew", self._name)
            self._witness = ""
        return bool(self._witness)

    async def _alter(self, change: Change) -> bool:
        commands = transaction(self._name, change)
        try:
            if commands:
                await self._nftables.run(commands)
        except NftablesError as error:
            log.warning("a change of services did not fit the nftables table, which is written anew: %s", error)
            return False
        return True

    async def _rewrite(self, ledger: Ledger) -> None:
        await self._nftables.run(whole(self._name, self._network, ledger.everything()))
        self._witness = await self._look()

    async def _look(self) -> str:
        try:
            return await self._nftables.run(f"list chain inet {self._name} {_WITNESS}")
        except NftablesError:
            return ""
