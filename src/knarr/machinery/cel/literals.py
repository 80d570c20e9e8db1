"""Arguments that are literals are tried when the expression is compiled: times, durations, patterns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from knarr.machinery.cel.errors import CelError, Issue
from knarr.machinery.cel.libraries.regexes import compiled
from knarr.machinery.cel.nodes import Call, Literal, Node
from knarr.machinery.cel.parsing import issue_at
from knarr.machinery.cel.times import parse_duration, parse_timestamp
from knarr.machinery.cel.walking import nodes

_TRIALS: dict[str, Callable[[str], Any]] = {
    "duration": parse_duration,
    "timestamp": parse_timestamp,
    "matches": compiled,
}


def bad_literals(source: str, root: Node) -> Iterator[Issue]:
    """Literals that can only fail, in cel-go's words."""
    for node in nodes(root):
        if isinstance(node, Call) and node.function in _TRIALS and node.args:
            match node.args[-1]:
                case Literal(value=str() as text, position=position) if not _works(node.function, text):
                    yield issue_at(source, position, f"invalid {node.function} argument")


def _works(function: str, text: str) -> bool:
    try:
        _TRIALS[function](text)
    except CelError:
        return False
    return True
