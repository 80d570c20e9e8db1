"""Events in both of their shapes, core/v1 and events.k8s.io/v1: one storage, one table, one set of selectable fields.

Stored is the core shape, as upstream does; the other is a renaming of its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from knarr.api.cells import since, value
from knarr.api.checks import named, unchanged
from knarr.api.kind import JSON, Column, Version
from knarr.api.paths import dig
from knarr.machinery.fielderrors import FieldError, invalid, required
from knarr.machinery.names import qualified_name

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


_PARTS = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


def _part(name: str) -> Callable[[JSON], str]:
    return lambda event: dig(event, f"involvedObject.{name}", "")


FIELDS: Mapping[str, Callable[[JSON], str]] = {
    **{f"involvedObject.{name}": _part(name) for name in _PARTS},
    "reason": lambda event: event.get("reason") or "",
    "type": lambda event: event.get("type") or "",
    "reportingComponent": lambda event: event.get("reportingComponent") or "",
    "source": _component,
}
NEW_SELECTORS = {  # events.k8s.io's names of them; it has none for the source
    **{f"regarding.{name}": f"involvedObject.{name}" for name in _PARTS},
    "reason": "reason",
    "type": "type",
    "reportingController": "reportingComponent",
}
_NOTE_LIMIT = 1024
_DEMANDED = ("reportingInstance", "action", "reason")
_LIMIT = 128  # characters of each
_KEPT = (  # by the stored names, which upstream's messages use
    *("involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type", "eventTime"),
    *("action", "related"),
)
_BEFORE = ("firstTimestamp", "lastTimestamp", "count", "source")  # what events had in the place of a series


def validate(event: JSON) -> Iterable[FieldError]:
    return _validate(event, "reportingComponent")


def validate_new(event: JSON) -> Iterable[FieldError]:
    return _validate(event, "reportingController")


def _validate(event: JSON, reporter: str) -> Iterable[FieldError]:
    """An event lives in the namespace of what it is about; of what has none, in `default`. One that says when it
    happened says who reports it, too.
    """
    namespace, about = dig(event, "metadata.namespace", ""), dig(event, "involvedObject.namespace", "")
    dated = bool(event.get("eventTime"))
    elsewhere = about not in ("", namespace) and not dated
    homeless = about == "" and namespace not in ("default", *(["kube-system"] if dated else []))
    if elsewhere or homeless:
        yield invalid("involvedObject.namespace", about, "does not match event.namespace")
    if dated:
        yield from _reported(event, reporter)


def _reported(event: JSON, reporter: str) -> Iterable[FieldError]:
    if not (name := event.get("reportingComponent") or ""):
        yield required(reporter)
    yield from named(reporter, name, qualified_name)
    for field in _DEMANDED:
        text = event.get(field) or ""
        if not text:
            yield required(field)
        elif len(text) > _LIMIT:
            yield invalid(field, "", f"can have at most {_LIMIT} characters")
    if len(event.get("message") or "") > _NOTE_LIMIT:
        yield invalid("message", "", f"can have at most {_NOTE_LIMIT} characters")


def validate_new_create(event: JSON) -> Iterable[FieldError]:
    """What events.k8s.io asks of new events besides."""
    if not event.get("eventTime"):
        yield required("eventTime")
    if event.get("type") not in ("Normal", "Warning"):
        yield invalid("type", "", f"has invalid value: {event.get('type') or ''}")
    for field in _BEFORE:
        if any(event[field].values()) if isinstance(event.get(field), dict) else event.get(field):
            yield invalid(field, "", "needs to be unset")
    yield from _series(event.get("series"))


def validate_new_update(new: JSON, old: JSON) -> Iterable[FieldError]:
    """What has happened has happened; it may go on happening."""
    if new.get("series") != old.get("series"):
        yield from _series(new.get("series"))
    for field in _KEPT:
        yield from unchanged(field, new.get(field), old.get(field))
    for field, said in (("reportingComponent", "reportingController"), ("reportingInstance", "reportingInstance")):
        yield from unchanged(said, new.get(field), old.get(field))


def _series(series: JSON | None) -> Iterable[FieldError]:
    if series is None:
        return
    if series.get("count", 0) < 2:
        yield invalid("series.count", "", "should be at least 2")
    if not series.get("lastObservedTime"):
        yield required("series.lastObservedTime")
