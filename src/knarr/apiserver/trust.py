"""What servers of aggregated APIs are told of whom to trust, by all API servers of a cluster together.

The ConfigMap kube-system/extension-apiserver-authentication: bundles of certificates, and lists as JSON.
https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


def united(found: Mapping[str, str] | None, ours: Mapping[str, str]) -> dict[str, str]:
    """What is there, and what this server adds to it: nobody takes away what another server has said."""
    known = dict(found or {})
    for name, value in ours.items():
        unite = _bundles if name.endswith("-file") else _lists
        known[name] = unite(known[name], value) if known.get(name) else value
    return known


def _bundles(known: str, ours: str) -> str:
    there = [certificate.strip() for certificate in _CERTIFICATE.findall(known)]
    added = [certificate for certificate in map(str.strip, _CERTIFICATE.findall(ours)) if certificate not in there]
    return known if not added else "\n".join([*there, *added, ""])


def _lists(known: str, ours: str) -> str:
    """What cannot be read is replaced."""
    try:
        there = json.loads(known)
    except json.JSONDecodeError:
        return ours
    if not isinstance(there, list):
        return ours
    added = [value for value in json.loads(ours) if value not in there]
    return json.dumps([*there, *added]) if added else known
