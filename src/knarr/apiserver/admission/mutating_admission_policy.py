"""MutatingAdmissionPolicy: expressions that change what is written.

https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from knarr.apiserver.admission.plugin import EVERY_OPERATION, Attributes, Plugin, Surroundings
from knarr.apiserver.followed import Followed

if TYPE_CHECKING:
    from knarr.apiserver.policies.mutating import Changer

NAME = "MutatingAdmissionPolicy"


class _Waiting:
    """The language is loaded with the first binding; until then a write pays next to nothing."""

    def __init__(self, surroundings: Surroundings) -> None:
        group, plural = "admissionregistration.k8s.io", "mutatingadmissionpolicybindings"
        self._registry = surroundings.registry
        self._bindings = Followed(self._registry, group, plural, lambda binding: True)
        self._changer: Changer | None = None

    def mutate(self, attributes: Attributes) -> Awaitable[None] | None:
        if attributes.object is None or not self._bindings.get():
            return None
        if self._changer is None:
            from knarr.apiserver.policies.mutating import Changer

            self._changer = Changer(self._registry)
        return self._changer.mutate(attributes)


def start(surroundings: Surroundings) -> Plugin:
    return Plugin(NAME, mutate=_Waiting(surroundings).mutate, operations=EVERY_OPERATION, subresources=True)


PLUGIN = Plugin(NAME, start=start)
