"""ResourceClaims: their number, and the devices of each class that they ask for."""

from __future__ import annotations

from datetime import datetime

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.api.quota.evaluator import COUNT, ONE, Evaluator
from knarr.machinery.amounts import Amounts, largest, total
from knarr.machinery.quantity import Quantity

_RESOURCE = "resourceclaims.resource.k8s.io"
_OF_CLASS = ".deviceclass.resource.k8s.io/devices"
_ALL = 32  # devices, where all are asked for: the most that one claim may get


def _usage(claim: JSON, now: datetime | None) -> Amounts:
    used = {f"{COUNT}{_RESOURCE}": ONE}
    for request in each(claim, "spec.devices.requests"):
        used = total(used, _asked(request))
    return used


def _asked(request: JSON) -> Amounts:
    """Of alternatives, the most of each class: nobody knows yet which one it will be."""
    alternatives = each(request, "firstAvailable") or [dig(request, "exactly", {})]
    most: Amounts = {}
    for alternative in alternatives:
        most = largest(most, _exactly(alternative))
    return most


def _exactly(request: JSON) -> Amounts:
    name = request.get("deviceClassName")
    count = _ALL if request.get("allocationMode") == "All" else request.get("count", 1)
    return {f"{name}{_OF_CLASS}": Quantity(count * ONE.nano)} if name else {}


EVALUATOR = Evaluator(_RESOURCE, _usage, lambda name: name == f"{COUNT}{_RESOURCE}" or name.endswith(_OF_CLASS))
