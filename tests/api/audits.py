"""An audited API server of a test, and its log read back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from knarr.cluster.flags.audit import Audit
from knarr.cluster.flags.notation import File
from tests.api.front import Running, running

JSON = dict[str, Any]
_LATENCY = "apiserver.latency.k8s.io/"
_VARYING = ("auditID", "requestReceivedTimestamp", "stageTimestamp")
_PATIENCE = 10.0


def policy(*rules: JSON, **rest: Any) -> JSON:
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules), **rest}


def auditing(directory: Path, wanted: JSON, **flags: Any) -> Audit:
    """The flags for a policy and a log."""
    file = directory / "policy.yaml"
    file.write_text(json.dumps(wanted))
    log = {"audit_log_path": File(str(directory / "audit.log"))}
    return msgspec.convert({"audit_policy_file": File(str(file)), **log, **flags}, Audit)


class Log:
    """The events in an audit log."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def events(self, **wanted: Any) -> list[JSON]:
        """Those whose fields are these."""
        found = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [event for event in found if all(event.get(name) == value for name, value in wanted.items())]

    async def eventually(self, number: int, **wanted: Any) -> list[JSON]:
        """The same, when there are so many."""
        async with asyncio.timeout(_PATIENCE):
            while len(found := self.events(**wanted)) < number:
                await asyncio.sleep(0.01)
        return found


def plain(event: JSON) -> JSON:
    """An event without what differs from one time to the next."""
    user = {name: value for name, value in event["user"].items() if name != "extra"}  # the credential's own name
    found = {**{name: value for name, value in event.items() if name not in _VARYING}, "user": user}
    if notes := event.get("annotations"):  # those of requests that took long are the machine's
        found["annotations"] = {name: note for name, note in notes.items() if not name.startswith(_LATENCY)}
    return found


@asynccontextmanager
async def audited(directory: Path, *rules: JSON, flags: JSON | None = None, **rest: Any) -> AsyncIterator[Running]:
    async with running(directory, auditing(directory, policy(*rules, **rest), **(flags or {}))) as front:
        yield front
