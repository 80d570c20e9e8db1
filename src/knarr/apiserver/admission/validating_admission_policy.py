"""ValidatingAdmissionPolicy: expressions that what is written has to satisfy.

https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from knarr.apiserver.admission.plugin import EVERY_OPERATION, Attributes, Plugin, Surroundings
from knarr.apiserver.policies.loading import Loaded
from knarr.apiserver.registry import Registry

if TYPE_CHECKING:
    from knarr.apiserver.policies.validating import Judge

NAME = "ValidatingAdmissionPolicy"


def start(surroundings: Surroundings) -> Plugin:
    loaded = Loaded(surroundings.registry, "validating", _judge)

    def validate(attributes: Attributes) -> Awaitable[None] | None:
        judge = loaded.get()
        return judge.validate(attributes) if judge else None

    return Plugin(NAME, validate=validate, operations=EVERY_OPERATION, subresources=True)


def _judge(registry: Registry) -> Judge:
    from knarr.apiserver.policies.validating import Judge  # with it comes the language

    return Judge(registry)


PLUGIN = Plugin(NAME, start=start)
