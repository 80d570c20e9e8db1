"""ValidatingAdmissionPolicy: expressions that what is written has to satisfy.

https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from knarr.apiserver.admission.plugin import EVERY_OPERATION, Attributes, Plugin, Surroundings
from knarr.apiserver.followed import Followed

if TYPE_CHECKING:
    from knarr.apiserver.policies.validating import Judge

NAME = "ValidatingAdmissionPolicy"


class _Waiting:
    """The language is loaded with the first binding; until then a write pays next to nothing."""

    def __init__(self, surroundings: Surroundings) -> None:
        group, plural = "admissionregistration.k8s.io", "validatingadmissionpolicybindings"
        self._registry = surroundings.registry
        self._bindings = Followed(self._registry, group, plural, lambda binding: True)
        self._judge: Judge | None = None

    def validate(self, attributes: Attributes) -> Awaitable[None] | None:
        if not self._bindings.get():
            return None
        if self._judge is None:
            from knarr.apiserver.policies.validating import Judge

            self._judge = Judge(self._registry)
        return self._judge.validate(attributes)


def start(surroundings: Surroundings) -> Plugin:
    return Plugin(NAME, validate=_Waiting(surroundings).validate, operations=EVERY_OPERATION, subresources=True)


PLUGIN = Plugin(NAME, start=start)
