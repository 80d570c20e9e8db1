"""One webhook of a configuration, compiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from knarr.api.kind import JSON
from knarr.api.webhooks import REVIEW_VERSIONS
from knarr.apiserver.admission.matching import Matcher
from knarr.apiserver.outbound import Target, client_config_target

if TYPE_CHECKING:
    from knarr.machinery.cel import Program


@dataclass(frozen=True, slots=True)
class Hook:
    """`seconds` are real ones; `fails_open` lets a write pass that the webhook could not be asked about."""

    uid: str  # differs between any two, whatever their names
    configuration: str
    name: str
    matcher: Matcher
    target: Target
    seconds: float
    fails_open: bool
    reinvoked: bool
    harmless: bool  # without side effects where the write is a dry run
    review_version: str
    conditions: Sequence[Program]
    broken: str  # why the conditions, stored by a server which took them, cannot be compiled by this one


def hooks_of(configuration: JSON) -> tuple[Hook, ...]:
    """The webhooks of a configuration, in its order."""
    name = configuration["metadata"]["name"]
    return tuple(_hook(name, index, given) for index, given in enumerate(configuration.get("webhooks") or ()))


def _hook(configuration: str, index: int, given: JSON) -> Hook:
    conditions, broken = _conditions(given.get("matchConditions") or ())
    return Hook(
        uid=f"{configuration}/{index}",
        configuration=configuration,
        name=given["name"],
        matcher=Matcher(
            given.get("rules") or (),
            equivalent=given["matchPolicy"] == "Equivalent",
            namespaces=given["namespaceSelector"],
            objects=given["objectSelector"],
        ),
        target=client_config_target(given["clientConfig"]),
        seconds=given["timeoutSeconds"],
        fails_open=given["failurePolicy"] == "Ignore",
        reinvoked=given.get("reinvocationPolicy") == "IfNeeded",
        harmless=given["sideEffects"] in ("None", "NoneOnDryRun"),
        review_version=next(v for v in given["admissionReviewVersions"] if v in REVIEW_VERSIONS),
        conditions=conditions,
        broken=broken,
    )


def _conditions(given: Sequence[JSON]) -> tuple[Sequence[Program], str]:
    if not given:
        return (), ""
    from knarr.api.expressions import (  # the language is loaded with the first of them
        ExpressionError,
        Scope,
        compiled_conditions,
    )

    try:
        return compiled_conditions(given, Scope()), ""
    except ExpressionError as error:
        return (), f"compilation error: {error}"
