"""Whether a flow schema leads anywhere: its condition `Dangling`."""

from __future__ import annotations

import asyncio

from knarr.api.conditions import put_condition
from knarr.api.flows import GROUP, PLURAL, condition
from knarr.api.kind import JSON
from knarr.api.paths import dig
from knarr.apiserver.encoding import to_stored
from knarr.apiserver.registry import Registry, key_of
from knarr.machinery.times import format_time
from knarr.machinery.trees import copied
from knarr.storage.store import Write


async def keep_conditions(registry: Registry) -> None:
    """Put the condition of every schema right. Raises StoreError."""
    levels = {level["metadata"]["name"] for level in registry.list(GROUP, PLURAL["PriorityLevelConfiguration"])}
    schemas = copied(list(registry.list(GROUP, PLURAL["FlowSchema"])))
    now = format_time(registry.clock.now())
    wrong = [schema for schema in schemas if put_condition(schema, _dangling(schema, levels), now)]
    await asyncio.gather(*(_write(registry, schema) for schema in wrong))


def _dangling(schema: JSON, levels: set[str]) -> JSON:
    name = dig(schema, "spec.priorityLevelConfiguration.name", "")
    return condition(name, exists=name in levels)


async def _write(registry: Registry, schema: JSON) -> None:
    kind = registry.find(GROUP, PLURAL["FlowSchema"])
    if kind is None:
        return
    metadata = dict(schema["metadata"])
    revision = int(metadata.pop("resourceVersion"))
    value = to_stored({**schema, "metadata": metadata})
    await registry.commit([Write(key_of(kind, "", metadata["name"]), value, expected=revision)])
