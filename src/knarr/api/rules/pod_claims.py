"""Devices that a Pod claims, and which of its containers get them (KEP-4381)."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import named, one_source
from knarr.api.kind import JSON, Rules
from knarr.api.paths import each
from knarr.api.pods.mounts import containers
from knarr.machinery.fielderrors import FieldError, duplicate, not_found, required
from knarr.machinery.names import dns1123_label, dns1123_subdomain

_CORE = "io.k8s.api.core.v1"
_NONE: JSON = {}
_SOURCES = ("resourceClaimName", "resourceClaimTemplateName")


def _claims(spec: JSON, path: str) -> Iterable[FieldError]:
    """What containers name is among the Pod's claims."""
    known = {claim.get("name") for claim in each(spec, "resourceClaims")}
    for where, container in containers(spec, path):
        for index, claim in enumerate((container.get("resources") or _NONE).get("claims") or ()):
            if claim.get("name") not in known:
                listed = f": {', '.join(sorted(filter(None, known)))}" if known else " which is empty"
                detail = f"must be one of the names in pod.spec.resourceClaims{listed}"
                yield not_found(f"{where}.resources.claims[{index}]", claim.get("name", ""), detail)


def _claim(claim: JSON, path: str) -> Iterable[FieldError]:
    yield from one_source(path, claim, _SOURCES, "resource claim source")
    for source in _SOURCES:
        if name := claim.get(source):
            yield from named(f"{path}.{source}", name, dns1123_subdomain)


def _requested(resources: JSON, path: str) -> Iterable[FieldError]:
    seen: set[tuple[str, str]] = set()
    for index, claim in enumerate(resources["claims"]):
        name, request = claim.get("name") or "", claim.get("request") or ""
        if not name:
            yield required(f"{path}.claims[{index}].name")
        elif (name, request) in seen or (name, "") in seen:
            yield duplicate(f"{path}.claims[{index}]", f"{name}/{request}" if request else name)
        seen.add((name, request))


RULES = (
    Rules(f"{_CORE}.PodSpec", validate=_claims),
    Rules(f"{_CORE}.PodResourceClaim", required=("name",), names={"name": dns1123_label}, validate=_claim),
    Rules(f"{_CORE}.ResourceRequirements", validate=_requested, when=frozenset({"claims"})),
)
