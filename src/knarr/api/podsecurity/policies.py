"""What a namespace's labels ask for, and whether a Pod fulfils it.

https://kubernetes.io/docs/concepts/security/pod-security-admission/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

from knarr.api.kind import JSON
from knarr.api.podsecurity.baseline import CHECKS as BASELINE
from knarr.api.podsecurity.check import Judge, Level, Violation
from knarr.api.podsecurity.restricted import CHECKS as RESTRICTED
from knarr.machinery.fielderrors import FieldError, invalid

PREFIX = "pod-security.kubernetes.io/"
LATEST = "latest"
_MODES = ("enforce", "audit", "warn")
_LEVELS: tuple[Level, ...] = get_args(Level)
_VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)")
_ENDLESS = 1 << 30  # above every minor version


@dataclass(frozen=True, slots=True)
class Standard:
    """A level as some version has it: `restricted:latest`."""

    level: Level = "privileged"
    version: str = LATEST

    def __str__(self) -> str:
        return f"{self.level}:{self.version}"

    @property
    def strictness(self) -> int:
        return _LEVELS.index(self.level)

    def violations(self, metadata: JSON, spec: JSON) -> list[Violation]:
        """What of a Pod, or of a template for Pods, breaks it."""
        return [found for judge in _judges(self) if (found := judge(metadata, spec))]


@dataclass(frozen=True, slots=True)
class Policy:
    """What becomes of Pods that break a standard: refused, told to the audit log, told to the client."""

    enforce: Standard = Standard()
    audit: Standard = Standard()
    warn: Standard = Standard()


_PRIVILEGED = Policy()


def policy_of(labels: Mapping[str, str] | None) -> tuple[Policy, list[FieldError]]:
    """The policy that a namespace's labels say, and what is wrong with them: what cannot be read is taken strictly."""
    if not labels or not any(label.startswith(PREFIX) for label in labels):
        return _PRIVILEGED, []
    errors: list[FieldError] = []
    enforce, audit, warn = (_standard(labels, mode, errors) for mode in _MODES)
    if f"{PREFIX}warn" not in labels and enforce.strictness > warn.strictness and not errors:
        warn = enforce
    return Policy(enforce, audit, warn), errors


def _standard(labels: Mapping[str, str], mode: str, errors: list[FieldError]) -> Standard:
    level = labels.get(f"{PREFIX}{mode}", "privileged")
    known: Level = next((each for each in _LEVELS if each == level), "restricted")
    if level != known:
        errors.append(invalid(f"metadata.labels[{PREFIX}{mode}]", level, f"must be one of {', '.join(_LEVELS)}"))
    version = labels.get(f"{PREFIX}{mode}-version", LATEST)
    if version != LATEST and not _VERSION.fullmatch(version):
        errors.append(invalid(f"metadata.labels[{PREFIX}{mode}-version]", version, 'must be "latest" or "v1.x"'))
        version = LATEST
    return Standard(known, version)


@lru_cache(maxsize=256)
def _judges(standard: Standard) -> tuple[Judge, ...]:
    """The checks of a standard, in upstream's order."""
    minor = _ENDLESS if standard.version == LATEST else int(standard.version.removeprefix("v1."))
    restricted = [check for check in RESTRICTED if standard.level == "restricted" and check.at(minor)]
    overridden = {name for check in restricted for name in check.overrides}
    baseline = [check for check in BASELINE if standard.level != "privileged" and check.name not in overridden]
    return tuple(judge for check in (*baseline, *restricted) if (judge := check.at(minor)))
