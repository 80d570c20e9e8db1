"""How values of flags are read that argparse has no type for."""

from __future__ import annotations

from argparse import ArgumentTypeError


def truth(text: str) -> bool:
    """`true` or `false`."""
    if text.lower() not in ("true", "false"):
        raise ArgumentTypeError(f"{text} is neither true nor false")
    return text.lower() == "true"


def seconds(text: str) -> float:
    """A duration, as 1m30s."""
    from knarr.machinery.times import TimeError, parse_duration

    try:
        return parse_duration(text)
    except TimeError as error:
        raise ArgumentTypeError(str(error)) from None
