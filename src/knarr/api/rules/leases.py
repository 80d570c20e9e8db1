"""Leases: durations are positive, changes of holder are counted up."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON, Rules
from knarr.machinery.fielderrors import FieldError, forbidden, invalid


def _validate(spec: JSON, path: str) -> Iterable[FieldError]:
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        yield invalid(f"{path}.leaseDurationSeconds", duration, "must be greater than 0")
    if spec.get("preferredHolder") and not spec.get("strategy"):
        yield forbidden(f"{path}.preferredHolder", "may only be specified when `strategy` is defined")


RULES = (Rules("io.k8s.api.coordination.v1.LeaseSpec", bounds={"leaseTransitions": (0, None)}, validate=_validate),)
