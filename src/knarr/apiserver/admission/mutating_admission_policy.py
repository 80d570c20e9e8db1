"""MutatingAdmissionPolicy: expressions that change what is written.

https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from knarr.apiserver.admission.plugin import EVERY_OPERATION, Attributes, Plugin, Surroundings
from knarr.apiserver.policies.loading import Loaded
from knarr.apiserver.registry import Registry

if TYPE_CHECKING:
    from knarr.apiserver.policies.mutating import Changer

NAME = "MutatingAdmissionPolicy"


def start(surroundings: Surroundings) -> Plugin:
    loaded = Loaded(surroundings.registry, "mutating", _changer)

    def mutate(attributes: Attributes) -> Awaitable[None] | None:
        changer = loaded.get() if attributes.object is not None else None
        return changer.mutate(attributes) if changer else None

    return Plugin(NAME, mutate=mutate, operations=EVERY_OPERATION, subresources=True)


def _changer(registry: Registry) -> Changer:
    from knarr.apiserver.policies.mutating import Changer  # with it comes the language

    return Changer(registry)


PLUGIN = Plugin(NAME, start=start)
