"""Pod templates compared and named: each ReplicaSet of a Deployment has the hash of its template in its name and
labels.
"""

from __future__ import annotations

from typing import Final

import msgspec

from knarr.client.objects import JSON
from knarr.controllers.objects import ReplicaSet
from knarr.machinery.names import SAFE_ALPHABET

HASH_LABEL = "pod-template-hash"
_FNV_OFFSET: Final = 0x811C9DC5
_FNV_PRIME: Final = 0x01000193


def same_template(one: JSON, other: JSON) -> bool:
    """Whether two templates mean the same Pods, the hash aside."""
    return _without_hash(one) == _without_hash(other)


def template_hash(template: JSON, collisions: int | None) -> str:
    """The hash in upstream's form: FNV-1a of 32 bits, its decimal digits in safe letters (rand.SafeEncodeString).

    `collisions` counts how often the name was taken by another template, and changes the hash. The values are not
    upstream's, which hashes a dump of its Go structs; nothing depends on them but the names.
    """
    data = msgspec.json.encode(_without_hash(template), order="deterministic")
    if collisions is not None:
        data += collisions.to_bytes(8, "little")
    digest = _FNV_OFFSET
    for byte in data:
        digest = ((digest ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return "".join(SAFE_ALPHABET[ord(digit) % len(SAFE_ALPHABET)] for digit in str(digest))


def labelled(template: JSON, hash_: str) -> JSON:
    """The template with the hash among its labels."""
    metadata = template.get("metadata") or {}
    return {**template, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), HASH_LABEL: hash_}}}


def selecting(selector: JSON | None, hash_: str) -> JSON:
    """The selector narrowed to the Pods of one template."""
    selector = selector or {}
    return {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: hash_}}


def describe(replica_set: ReplicaSet | None, deployment: str) -> str:
    """Who a message is about."""
    return f'ReplicaSet "{replica_set.metadata.name}"' if replica_set else f'Deployment "{deployment}"'


def _without_hash(template: JSON) -> JSON:
    metadata = template.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": labels}}
