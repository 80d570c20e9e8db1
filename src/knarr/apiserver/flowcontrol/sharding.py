"""Shuffle sharding: a flow's hand of queues, so that two flows rarely share them all."""

from __future__ import annotations

import hashlib


def hash_of(schema: str, distinguisher: str) -> int:
    """64 bits that stand for a flow."""
    return int.from_bytes(hashlib.sha256(f"{schema}\n{distinguisher}".encode()).digest()[:8], "big")


def hand_of(value: int, deck: int, size: int) -> list[int]:
    """`size` different numbers below `deck`, each hand as likely as any other over all values."""
    hand: list[int] = []
    for dealt in range(min(size, deck)):
        value, card = divmod(value, deck - dealt)
        for taken in sorted(hand):
            card += taken <= card
        hand.append(card)
    return hand
