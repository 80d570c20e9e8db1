"""Macros over lists and maps, as closures: what is done with the items, round by round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from knarr.machinery.cel.errors import CelError, CostError, no_such_overload
from knarr.machinery.cel.running import Code, Frame, insert, spend, truth

Rounds = Callable[[Frame, Any], Iterable[Any]]


def rounds_of(slots: Sequence[int], cost: int) -> Rounds:
    """The loop itself: charges each round, sets its variables, yields what it is about."""
    first, second = slots[0], slots[-1]

    def single(frame: Frame, over: Any) -> Iterable[Any]:
        if not isinstance(over, list | dict):
            raise no_such_overload()
        for item in over:
            spend(frame, cost)
            frame[first] = item
            yield item

    def double(frame: Frame, over: Any) -> Iterable[Any]:
        if not isinstance(over, list | dict):
            raise no_such_overload()
        for key, value in over.items() if isinstance(over, dict) else enumerate(over):
            spend(frame, cost)
            frame[first], frame[second] = key, value
            yield key

    return single if len(slots) == 1 else double


def _all(over: Code, rounds: Rounds, slots: Sequence[int], parts: Sequence[Code]) -> Code:
    return _quantifier(over, rounds, parts[0], decisive=False)


def _exists(over: Code, rounds: Rounds, slots: Sequence[int], parts: Sequence[Code]) -> Code:
    return _quantifier(over, rounds, parts[0], decisive=True)


def _quantifier(over: Code, rounds: Rounds, predicate: Code, *, decisive: bool) -> Code:
    """One decisive item outweighs errors at others; without it the last error counts."""

    def run(frame: Frame) -> bool:
        error: CelError | None = None
        for _ in rounds(frame, over(frame)):
            try:
                if truth(predicate(frame)) is decisive:
                    return decisive
            except CostError:
                raise
            except CelError as failed:
                error = failed
        if error:
            raise error
        return not decisive

    return run


def _exists_one(over: Code, rounds: Rounds, slots: Sequence[int], parts: Sequence[Code]) -> Code:
    (predicate,) = parts
    return lambda frame: sum(truth(predicate(frame)) for _ in rounds(frame, over(frame))) == 1


def _filter(over: Code, rounds: Rounds, slots: Sequence[int], parts: Sequence[Code]) -> Code:
    (predicate,) = parts
    return lambda frame: [item for item in rounds(frame, over(frame)) if truth(predicate(frame))]


def _mapping(over: Code, rounds: Rounds, slots: Sequence[int], parts: Sequence[Code]) -> Code:
    *predicates, transform = parts
    if not predicates:
        return lambda frame: [transform(frame) for _ in rounds(frame, over(frame))]
    (predicate,) = predicates
    return lambda frame: [transform(frame) for _ in rounds(frame, over(frame)) if truth(predicate(frame))]


def _transform_map(over: Code, rounds: Rounds, slots: Sequence[int], parts: Sequence[Code]) -> Code:
    *predicates, transform = parts

    def run(frame: Frame) -> dict[Any, Any]:
        passed = (key for key in rounds(frame, over(frame)) if all(truth(p(frame)) for p in predicates))
        return {key: transform(frame) for key in passed}

    return run


def _transform_entries(over: Code, rounds: Rounds, slots: Sequence[int], parts: Sequence[Code]) -> Code:
    *predicates, transform = parts

    def run(frame: Frame) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for _ in rounds(frame, over(frame)):
            if all(truth(predicate(frame)) for predicate in predicates):
                entries = transform(frame)
                if not isinstance(entries, dict):
                    raise no_such_overload()
                for key, value in entries.items():
                    insert(found, key, value)
        return found

    return run


LOOPS: Mapping[str, Callable[[Code, Rounds, Sequence[int], Sequence[Code]], Code]] = {
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _mapping,
    "transformList": _mapping,
    "transformMap": _transform_map,
    "transformMapEntry": _transform_entries,
}
