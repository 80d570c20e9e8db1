"""Events in both of their shapes, core/v1 and events.k8s.io/v1: one storage, one table, one set of selectable fields.

Stored is the core shape, as upstream does; the other is a renaming of its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from knarr.api.cells import since, value
from knarr.api.kind import JSON, Column, Version
from knarr.api.paths import dig
from knarr.machinery.fielderrors import FieldError, invalid, required

CORE = Version("v1", "io.k8s.api.core.v1.Event")
TTL = 3600.0  # upstream's --event-ttl
PREFIX = "/registry/events"

_RENAMED = {  # core's name of a field to events.k8s.io's
    "message": "note",
    "involvedObject": "regarding",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}


def to_core(event: JSON) -> JSON:
    return _renamed(event, {new: old for old, new in _RENAMED.items()}, "v1")


def from_core(event: JSON) -> JSON:
    return _renamed(event, _RENAMED, "events.k8s.io/v1")


def _renamed(event: JSON, names: Mapping[str, str], api_version: str) -> JSON:
    converted = {names.get(name, name): field for name, field in event.items()}
    return converted | {"apiVersion": api_version}


def _first_seen(event: JSON, now: datetime) -> str:
    return since(event.get("firstTimestamp") or event.get("eventTime"), now)


def _last_seen(event: JSON, now: datetime) -> str:
    last = dig(event, "series.lastObservedTime") if event.get("series") else event.get("lastTimestamp")
    return since(last, now) if last else _first_seen(event, now)


def _count(event: JSON, now: datetime) -> int:
    return int(dig(event, "series.count") or event.get("count") or 1)


def _object(event: JSON, now: datetime) -> str:
    kind, name = dig(event, "involvedObject.kind", "").lower(), dig(event, "involvedObject.name", "")
    return f"{kind}/{name}" if name else kind


def _source(event: JSON, now: datetime) -> str:
    host = dig(event, "source.host") or event.get("reportingInstance")
    return ", ".join(filter(None, [_component(event), host]))


def _component(event: JSON) -> str:
    return dig(event, "source.component") or event.get("reportingComponent") or ""


COLUMNS = (
    Column("Last Seen", _last_seen, shows="lastTimestamp"),
    Column("Type", value("type")),
    Column("Reason", value("reason")),
    Column("Object", _object, shows="involvedObject"),
    Column("Subobject", value("involvedObject.fieldPath"), priority=1),
    Column("Source", _source, priority=1, shows="source"),
    Column("Message", lambda event, now: dig(event, "message", "").strip(), shows="message"),
    Column("First Seen", _first_seen, priority=1, shows="firstTimestamp"),
    Column("Count", _count, priority=1, shows="count"),
    Column("Name", value("metadata.name"), format="name", priority=1),
)


def _selectable() -> dict[str, Callable[[JSON], str]]:
    """Fields by both shapes' names; they read the stored shape."""

    def part(name: str) -> Callable[[JSON], str]:
        return lambda event: dig(event, f"involvedObject.{name}", "")

    parts = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
    return {f"{shape}.{name}": part(name) for shape in ("involvedObject", "regarding") for name in parts} | {
        "reason": lambda event: event.get("reason") or "",
        "type": lambda event: event.get("type") or "",
        "source": _component,
        "reportingComponent": lambda event: event.get("reportingComponent") or "",
        "reportingController": lambda event: event.get("reportingComponent") or "",
    }


FIELDS = _selectable()
_NOTE_LIMIT = 1024
_DEMANDED = (  # of events.k8s.io: the stored field, its name there, and its most characters
    ("reportingComponent", "reportingController", 253),
    ("reportingInstance", "reportingInstance", 128),
    ("action", "action", 128),
    ("reason", "reason", 128),
)


def validate_new(event: JSON) -> Iterable[FieldError]:
    """What events.k8s.io asks besides, of an event (as it is stored): who reports what of what, in few words."""
    yield from validate(event)
    for stored, name, limit in _DEMANDED:
        text = event.get(stored) or ""
        if not text:
            yield required(name)
        elif len(text) > limit:
            yield invalid(name, text, f"can have at most {limit} characters")
    if len(event.get("message") or "") > _NOTE_LIMIT:
        yield invalid("note", "", f"can have at most {_NOTE_LIMIT} characters")
    if event.get("type") not in ("Normal", "Warning"):
        yield invalid("type", "", f"has invalid value: {event.get('type') or ''}")
    if not event.get("eventTime"):
        yield required("eventTime")


def validate(event: JSON) -> Iterable[FieldError]:
    """An event lives in the namespace of what it is about; of what has none, in `default`."""
    namespace, about = dig(event, "metadata.namespace", ""), dig(event, "involvedObject.namespace", "")
    if about != namespace and not (about == "" and namespace in ("default", "kube-system")):
        yield invalid("involvedObject.namespace", about, "does not match event.namespace")
