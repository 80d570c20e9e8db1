"""The functions of every environment: those of CEL and of Kubernetes 1.36's libraries.

https://kubernetes.io/docs/reference/using-api/cel/#cel-options-language-features-and-libraries
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from knarr.machinery.cel.functions import Overload
from knarr.machinery.cel.libraries import (
    addresses,
    authorizers,
    conversions,
    formats,
    lists,
    operators,
    optionals,
    quantities,
    regexes,
    semvers,
    sets,
    strings,
    times,
    urls,
)

LIBRARIES: tuple[Sequence[Overload], ...] = (
    operators.OVERLOADS,
    conversions.OVERLOADS,
    times.OVERLOADS,
    strings.OVERLOADS,
    lists.OVERLOADS,
    regexes.OVERLOADS,
    urls.OVERLOADS,
    quantities.OVERLOADS,
    addresses.OVERLOADS,
    semvers.OVERLOADS,
    formats.OVERLOADS,
    sets.OVERLOADS,
    optionals.OVERLOADS,
    authorizers.OVERLOADS,
)


def _by_name() -> Mapping[str, Sequence[Overload]]:
    found: dict[str, list[Overload]] = {}
    for library in LIBRARIES:
        for overload in library:
            found.setdefault(overload.name, []).append(overload)
    return found


FUNCTIONS = _by_name()
