"""Who is to hear of which changes: found by the change's key, called at once, with no task, queue or copy for each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from knarr.storage.entries import Change

log = logging.getLogger(__name__)

Sink = Callable[[Sequence[Change]], None]


class Subscription:
    """One watcher's wish. `close()` may be called at any time, from its own callbacks too, and again."""

    __slots__ = ("_subscriptions", "after", "on_lost", "prefix", "sink")

    def __init__(
        self, subscriptions: Subscriptions, prefix: str, after: int, sink: Sink, on_lost: Callable[[], None]
    ) -> None:
        self._subscriptions = subscriptions
        self.prefix = prefix
        self.after = after
        self.sink = sink
        self.on_lost = on_lost

    def close(self) -> None:
        self._subscriptions.discard(self)

    def deliver(self, changes: Sequence[Change]) -> None:
        """Hand over what is after `after`; a sink that fails is closed and told, as the others must not suffer."""
        if changes[0].revision <= self.after:
            changes = [change for change in changes if change.revision > self.after]
        try:
            if changes:
                self.sink(changes)
        except Exception:
            log.exception("a watcher of %s failed and is dropped", self.prefix)
            self.lose()

    def lose(self) -> None:
        self.close()
        self.on_lost()


class Following:
    """One subscription after the other, each in the place of one that was lost; `on_lost` is told when it has begun."""

    __slots__ = ("_on_lost", "_subscribe", "_subscription")

    def __init__(self, subscribe: Callable[[Callable[[], None]], Subscription], on_lost: Callable[[], None]) -> None:
        self._subscribe, self._on_lost = subscribe, on_lost
        self._subscription = subscribe(self._renew)

    def close(self) -> None:
        self._subscription.close()

    def _renew(self) -> None:
        self._subscription = self._subscribe(self._renew)
        self._on_lost()


class Subscriptions:
    """By prefix, which ends with a slash or is one whole key. A key's watchers are its own and its ancestors'."""

    def __init__(self) -> None:
        self._by_prefix: dict[str, dict[Subscription, None]] = {}

    def add(self, prefix: str, after: int, sink: Sink, on_lost: Callable[[], None]) -> Subscription:
        subscription = Subscription(self, prefix, after, sink, on_lost)
        self._by_prefix.setdefault(prefix, {})[subscription] = None
        return subscription

    def discard(self, subscription: Subscription) -> None:
        members = self._by_prefix.get(subscription.prefix, {})
        members.pop(subscription, None)
        if not members:
            self._by_prefix.pop(subscription.prefix, None)

    def publish(self, changes: Sequence[Change]) -> None:
        """Call each sink once with its part, which all watchers of a prefix share."""
        parts: dict[str, list[Change]] = {}
        for change in changes:
            for prefix in _prefixes(change.entry.key):
                if prefix in self._by_prefix:
                    parts.setdefault(prefix, []).append(change)
        for prefix, part in parts.items():
            for subscription in tuple(self._by_prefix.get(prefix, ())):
                if subscription in self._by_prefix.get(prefix, ()):  # an earlier sink may have closed it
                    subscription.deliver(part)

    def lose_all(self) -> None:
        self.lose_below("")

    def lose_below(self, root: str) -> None:
        for prefix in [prefix for prefix in self._by_prefix if prefix.startswith(root)]:
            for subscription in tuple(self._by_prefix.get(prefix, ())):
                subscription.lose()


def covers(prefix: str, key: str) -> bool:
    return key == prefix or (prefix.endswith("/") and key.startswith(prefix))


def _prefixes(key: str) -> Iterator[str]:
    slash = key.find("/")
    while slash >= 0:
        yield key[: slash + 1]
        slash = key.find("/", slash + 1)
    yield key
