"""Specs that come again: the Pods of a Deployment are sent with the same text each, but for their metadata.

What such a text was decoded and defaulted to is remembered as JSON, for it to be parsed and not worked out again. Only
for kinds whose defaults lie within the spec and depend on nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import orjson

from knarr.api.kind import JSON
from knarr.machinery.remembering import Bounded

REPEATED = frozenset({"io.k8s.api.core.v1.Pod"})  # definitions
_MOST, _SHORTEST, _LONGEST = 64, 512, 16 * 1024  # specs, and bytes of one


class _Body(msgspec.Struct):
    spec: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Body).decode


class Recalled(NamedTuple):
    """A body with its spec cut out, and that spec's defaulted form."""

    rest: bytes
    spec: bytes


class Specs:
    """Raw specs with what they became; everything is forgotten when there are too many."""

    def __init__(self) -> None:
        self._known: Bounded[bytes, bytes] = Bounded(_MOST)

    def recall(self, body: bytes) -> Recalled | None:
        """What is known of a JSON body whose spec came before."""
        raw = _spec_of(body)
        known = self._known.get(raw)
        return Recalled(body.replace(raw, b"{}", 1), known) if known else None

    def learn(self, body: bytes, tree: JSON) -> None:
        """Remember what a body without faults was made into."""
        raw = _spec_of(body)
        if _SHORTEST <= len(raw) <= _LONGEST:
            self._known.keep(raw, msgspec.json.encode(tree["spec"]))


def _spec_of(body: bytes) -> bytes:
    """The text of the body's spec; of several the last, which counts."""
    try:
        return bytes(_decode(body).spec)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return b""


def restored(tree: JSON, recalled: Recalled) -> JSON:
    """The tree of a body's rest with its spec in place."""
    return {**tree, "spec": orjson.loads(recalled.spec)}
