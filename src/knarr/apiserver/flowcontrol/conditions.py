"""Whether a flow schema leads anywhere: its condition `Dangling`."""

from __future__ import annotations

import asyncio

from knarr.api.flows import DANGLING, GROUP, PLURAL, condition
from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.registry import Registry, key_of
from knarr.machinery.times import format_time
from knarr.storage.store import Write


async def keep_conditions(registry: Registry) -> None:
    """Put the condition of every schema right. Raises StoreError."""
    levels = {level["metadata"]["name"] for level in registry.list(GROUP, PLURAL["PriorityLevelConfiguration"])}
    schemas = list(registry.list(GROUP, PLURAL["FlowSchema"]))
    now = format_time(registry.clock.now())
    wrong = [(schema, said) for schema in schemas if (said := _missing(schema, levels, now))]
    await asyncio.gather(*(_write(registry, schema, said) for schema, said in wrong))


def _missing(schema: JSON, levels: set[str], now: str) -> JSON | None:
    """The condition that the schema should have; None where it has it."""
    name = dig(schema, "spec.priorityLevelConfiguration.name", "")
    wanted = condition(name, exists=name in levels)
    known: JSON = next((c for c in each(schema, "status.conditions") if c.get("type") == DANGLING), {})
    if all(known.get(field) == value for field, value in wanted.items()):
        return None
    since = known.get("lastTransitionTime") if known.get("status") == wanted["status"] else None
    return {**wanted, "lastTransitionTime": since or now}


async def _write(registry: Registry, schema: JSON, said: JSON) -> None:
    kind = registry.find(GROUP, PLURAL["FlowSchema"])
    if kind is None:
        return
    metadata = dict(schema["metadata"])
    revision = int(metadata.pop("resourceVersion"))
    others = [c for c in each(schema, "status.conditions") if c.get("type") != DANGLING]
    tree = {
        **schema,
        "metadata": metadata,
        "status": {**(schema.get("status") or {}), "conditions": [*others, said]},
    }
    await registry.commit([Write(key_of(kind, "", metadata["name"]), to_stored(tree), expected=revision)])
