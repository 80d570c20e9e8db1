"""The closures that nodes become: selections, branches, lists and maps as functions of the frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from knarr.machinery.cel.errors import CelError, CostError, no_such_key, no_such_overload
from knarr.machinery.cel.functions import Extent, Overload
from knarr.machinery.cel.running import Code, Frame, insert, spend, truth
from knarr.machinery.cel.values import NOTHING, Optional


def guarded(run: Callable[..., Any]) -> Callable[..., Any]:
    """A value may be null whatever type is declared for it; then it has none of the type's functions."""

    def attempt(frame: Frame, *arguments: Any) -> Any:
        try:
            return run(*arguments)
        except CelError:
            raise
        except (AttributeError, TypeError, ValueError):  # the last where a number has more digits than Python reads
            raise no_such_overload() from None

    return attempt


def charging(code: Code, cost: int) -> Code:
    """What is not always reached, charged as a whole when it is."""

    def branch(frame: Frame) -> Any:
        spend(frame, cost)
        return code(frame)

    return branch


def constant(value: Any) -> Code:
    return lambda frame: value


def extent(value: Any) -> Extent:
    """How large an argument is, for those costs that depend on it."""
    if isinstance(value, list):
        return Extent(len(value), max((len(item) for item in value if isinstance(item, str | bytes)), default=0))
    return Extent(len(value)) if isinstance(value, str | bytes | dict) else Extent(1)


def dispatch(choices: Sequence[tuple[tuple[Callable[[Any], bool], ...], Overload]]) -> Callable[..., Any]:
    """The first overload whose tests all arguments pass."""

    def run(*arguments: Any) -> Any:
        for tests, overload in choices:
            if all(test(argument) for test, argument in zip(tests, arguments, strict=True)):
                return overload.run(*arguments)
        raise no_such_overload()

    return run


def _member(operand: Any, name: str) -> Any:
    try:
        return operand[name]
    except KeyError:
        raise no_such_key(name) from None
    except TypeError:
        raise no_such_overload() if operand is not None else no_such_key(name) from None


def selection(operand: Code, name: str, adapt: Callable[[Any], Any] | None) -> Code:
    """`a.b`, as `adapt` makes it of what a JSON tree holds; of an optional, an optional."""

    def select(frame: Frame) -> Any:
        holder = operand(frame)
        if type(holder) is not dict:
            if isinstance(holder, Optional):
                return _maybe(holder.value, name, adapt) if holder.present else NOTHING
            value = _member(holder, name)
        else:
            value = holder.get(name, _MISSING)
            if value is _MISSING:
                value = _member(holder, name)
        return adapt(value) if adapt else value

    return select


_MISSING = object()


def optional_selection(operand: Code, name: str, adapt: Callable[[Any], Any] | None) -> Code:
    """`a.?b`."""

    def select(frame: Frame) -> Optional:
        holder = operand(frame)
        if isinstance(holder, Optional):
            return _maybe(holder.value, name, adapt) if holder.present else NOTHING
        return _maybe(holder, name, adapt)

    return select


def _maybe(holder: Any, name: str, adapt: Callable[[Any], Any] | None) -> Optional:
    if not isinstance(holder, dict):
        raise no_such_overload() if holder is not None else no_such_key(name)
    if name not in holder:
        return NOTHING
    return Optional(adapt(holder[name]) if adapt else holder[name])


def presence(operand: Code, name: str) -> Code:
    """`has(a.b)`."""

    def test(frame: Frame) -> bool:
        holder = operand(frame)
        if isinstance(holder, Optional):
            holder = holder.value if holder.present else {}
        if not isinstance(holder, dict):
            raise no_such_overload() if holder is not None else no_such_key(name)
        return name in holder

    return test


def conjunction(left: Code, right: Code) -> Code:
    """`a && b`: false wins over an error on the other side."""

    def both(frame: Frame) -> bool:
        try:
            if not truth(left(frame)):
                return False
        except CostError:
            raise
        except CelError:
            if not truth(right(frame)):
                return False
            raise
        return truth(right(frame))

    return both


def disjunction(left: Code, right: Code) -> Code:
    """`a || b`: true wins over an error on the other side."""

    def either(frame: Frame) -> bool:
        try:
            if truth(left(frame)):
                return True
        except CostError:
            raise
        except CelError:
            if truth(right(frame)):
                return True
            raise
        return truth(right(frame))

    return either


def conditional(test: Code, yes: Code, no: Code) -> Code:
    """`a ? b : c`."""
    return lambda frame: yes(frame) if truth(test(frame)) else no(frame)


def present(values: Iterable[Any], optional: Sequence[bool]) -> list[Any]:
    """A list's items, where those that are optional may be missing."""
    found = []
    for value, may_lack in zip(values, optional, strict=True):
        if not may_lack:
            found.append(value)
        elif _as_optional(value).present:
            found.append(value.value)
    return found


def _as_optional(value: Any) -> Optional:
    if isinstance(value, Optional):
        return value
    raise CelError(f"cannot initialize optional from non-optional value {value}")


def entries_of(entries: Sequence[tuple[Code, Code, bool]]) -> Code:
    """A map's entries: key, value, and whether it may be missing."""

    def build(frame: Frame) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key_code, value_code, optional in entries:
            key, value = key_code(frame), value_code(frame)
            if optional:
                if not _as_optional(value).present:
                    continue
                value = value.value
            insert(found, key, value)
        return found

    return build


def binding(value: Code, slot: int, part: Code) -> Code:
    """`cel.bind(x, value, part)`."""

    def run(frame: Frame) -> Any:
        frame[slot] = value(frame)
        return part(frame)

    return run


def optional_mapping(over: Code, slot: int, part: Code, *, wrap: bool) -> Code:
    """`a.optMap(x, ...)`; without `wrap`, `a.optFlatMap(x, ...)`."""

    def run(frame: Frame) -> Optional:
        found = _as_optional(over(frame))
        if not found.present:
            return NOTHING
        frame[slot] = found.value
        return Optional(part(frame)) if wrap else _as_optional(part(frame))

    return run
