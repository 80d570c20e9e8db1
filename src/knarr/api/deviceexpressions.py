"""The expressions by which devices are selected: what they may name, and what is wrong with one (KEP-4381).

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/resource-claim-v1/#CELDeviceSelector
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from knarr.machinery.cel import BOOL, DYN, STRING, CelType, CompileError, Environment, Program, map_of, object_of
from knarr.machinery.fielderrors import FieldError, forbidden, invalid

_MOST_COST = 1_000_000  # cost units of asking about one device
_DOMAIN, _IDENTIFIER, _VALUE = STRING.sized(63), STRING.sized(32), DYN.sized(64)
_QUALITIES = 32  # attributes and capacities of a device


def _by_domain(value: CelType) -> CelType:
    """`device.attributes["gpu.example.com"].model`."""
    return map_of(_DOMAIN, map_of(_IDENTIFIER, value, _QUALITIES), _QUALITIES)


_DEVICE = object_of(
    "kubernetes.DRADevice",
    {
        "driver": _DOMAIN,
        "attributes": _by_domain(_VALUE),
        "capacity": _by_domain(CelType("kubernetes.Quantity")),
        "allowMultipleAllocations": BOOL,
    },
)
_ENVIRONMENT = Environment({"device": _DEVICE}, bindings=True)


class SelectorError(ValueError):
    """An expression that selects nothing; `str()` is the detail of its field error."""


@lru_cache(maxsize=512)
def compiled(text: str) -> Program:
    """The program of a selector. Raises SelectorError."""
    try:
        program = _ENVIRONMENT.compile(text)
    except CompileError as error:
        raise SelectorError(f"compilation failed: {error}") from None
    if program.type not in (BOOL, DYN):
        raise SelectorError(f"must evaluate to bool or the unknown type, not {program.type}")
    return program


def check(path: str, text: str) -> Iterable[FieldError]:
    """What is wrong with the selector at a path."""
    try:
        program = compiled(text)
    except SelectorError as error:
        yield invalid(path, text, str(error))
        return
    if program.cost.most > _MOST_COST:
        yield forbidden(path, "too complex, exceeds cost limit")
