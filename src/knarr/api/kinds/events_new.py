"""Events of events.k8s.io: the core Events, read and written in their newer shape."""

from __future__ import annotations

from knarr.api.events import (
    COLUMNS,
    CORE,
    FIELDS,
    NEW_SELECTORS,
    PREFIX,
    TTL,
    from_core,
    to_core,
    validate_new,
    validate_new_create,
    validate_new_update,
)
from knarr.api.kind import Kind, Version

KIND = Kind(
    kind="Event",
    plural="events",
    versions=(Version("v1", "io.k8s.api.events.v1.Event", to_storage=to_core, from_storage=from_core),),
    group="events.k8s.io",
    stored=CORE,
    short_names=("ev",),
    storage_prefix=PREFIX,
    columns=COLUMNS,
    fields=FIELDS,
    selectors=NEW_SELECTORS,
    validate=validate_new,
    validate_create=validate_new_create,
    validate_update=validate_new_update,
    ttl=TTL,
)
