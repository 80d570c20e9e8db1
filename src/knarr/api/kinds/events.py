"""Events: what happened to whom, kept for an hour."""

from __future__ import annotations

from knarr.api.events import COLUMNS, CORE, FIELDS, PREFIX, TTL, validate
from knarr.api.kind import Kind

KIND = Kind(
    kind="Event",
    plural="events",
    versions=(CORE,),
    short_names=("ev",),
    storage_prefix=PREFIX,
    columns=COLUMNS,
    fields=FIELDS,
    validate=validate,
    ttl=TTL,
)
