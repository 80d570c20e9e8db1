"""What the audit log is told of webhooks: who has changed the object, how, and who was passed over.

https://kubernetes.io/docs/reference/labels-annotations-taints/audit-annotations/
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from knarr.apiserver.audit.levels import Level
from knarr.apiserver.audit.trails import annotate
from knarr.apiserver.webhooks.hook import Hook


def record_change(hook: Hook, place: str, patch: bytes, *, changed: bool) -> None:
    """A mutating webhook was asked; `place` says when."""
    who = {"configuration": hook.configuration, "webhook": hook.name}
    _say(f"mutation.webhook.admission.k8s.io/{place}", {**who, "mutated": changed}, Level.METADATA)
    if changed:
        how = {**who, "patch": msgspec.Raw(patch), "patchType": "JSONPatch"}
        _say(f"patch.webhook.admission.k8s.io/{place}", how, Level.REQUEST)


def record_silence(hook: Hook, place: str, sort: str) -> None:
    """A webhook (`mutating`, `validating`) could not be asked, and may fail."""
    annotate(f"failed-open.{sort}.webhook.admission.k8s.io/{place}", hook.name)


def place_of(turn: int, index: int) -> str:
    """When a webhook is asked: in which round, and at which place of all there are."""
    return f"round_{turn}_index_{index}"


def _say(key: str, told: Mapping[str, object], level: Level) -> None:
    annotate(key, msgspec.json.encode(told).decode(), level)
