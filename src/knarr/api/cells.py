"""Cells that the tables of several kinds share, and the columns that every table has.

Texts are those of upstream's printers (pkg/printers/internalversion): `<none>` for what is empty, `<unknown>` for what
never happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from knarr.api.kind import JSON, Column
from knarr.api.paths import dig, each
from knarr.machinery.times import human_duration, parse_time

Cell = Callable[[JSON, datetime], Any]
NONE, UNKNOWN, UNSET = "<none>", "<unknown>", "<unset>"


def since(timestamp: str | None, now: datetime) -> str:
    """How long ago, as ages are written: `5d3h`."""
    return human_duration((now - parse_time(timestamp)).total_seconds()) if timestamp else UNKNOWN


@dataclass(frozen=True, slots=True)
class Reading:
    """A cell that shows what is at one path; the column's description is that field's."""

    path: str
    read: Cell

    def __call__(self, obj: JSON, now: datetime) -> Any:
        return self.read(obj, now)


def value(path: str, default: Any = "") -> Cell:
    """What is at the path."""
    return Reading(path, lambda obj, now: dig(obj, path, default))


def text(path: str, default: str = NONE) -> Cell:
    """What is at the path, where nothing and the empty string are the default."""
    return Reading(path, lambda obj, now: dig(obj, path) or default)


def count(path: str) -> Cell:
    """The number of elements or keys at the path."""
    return Reading(path, lambda obj, now: len(dig(obj, path, ())))


def ago(path: str) -> Cell:
    """How long ago the time at the path was."""
    return Reading(path, lambda obj, now: since(dig(obj, path), now))


def joined(path: str, separator: str = ",", default: str = NONE) -> Cell:
    """The strings at the path, in one."""
    return Reading(path, lambda obj, now: separator.join(each(obj, path)) or default)


def format_labels(labels: Mapping[str, str] | None) -> str:
    """`a=b,c=d`, sorted."""
    return ",".join(f"{key}={labels[key]}" for key in sorted(labels)) if labels else NONE


def labels(path: str) -> Cell:
    return Reading(path, lambda obj, now: format_labels(dig(obj, path)))


def format_selector(selector: JSON | None) -> str:
    """A metav1.LabelSelector as kubectl's -l would write it: `a=b,c in (d,e)`; nothing is `<none>`."""
    if selector is None:
        return NONE
    equal = [(key, f"{key}={wanted}") for key, wanted in (selector.get("matchLabels") or {}).items()]
    listed = [(e.get("key", ""), _expression(e)) for e in selector.get("matchExpressions") or ()]
    return ",".join(text for _, text in sorted(equal + listed)) or NONE


def _expression(expression: JSON) -> str:
    key, among = expression.get("key", ""), ",".join(sorted(expression.get("values") or ()))
    match expression.get("operator"):
        case "In":
            return f"{key} in ({among})"
        case "NotIn":
            return f"{key} notin ({among})"
        case "DoesNotExist":
            return f"!{key}"
    return f"{key}"


def selector(path: str) -> Cell:
    return Reading(path, lambda obj, now: format_selector(dig(obj, path)))


def names(items: Iterable[JSON], key: str = "name") -> str:
    return ",".join(item.get(key, "") for item in items)


NAME = Column("Name", value("metadata.name"), format="name")
AGE = Column("Age", ago("metadata.creationTimestamp"))

CREATED_AT = Column("Created At", value("metadata.creationTimestamp"))


def shown(items: Sequence[str], limit: int = 3, empty: str = NONE) -> str:
    """The first few, and how many more there are: `a,b,c + 2 more...`."""
    more = f" + {len(items) - limit} more..." if len(items) > limit else ""
    return ",".join(items[:limit]) + more or empty


def balancer_addresses(obj: JSON) -> str:
    """The addresses that a load balancer gave to a Service or an Ingress."""
    ingress = each(obj, "status.loadBalancer.ingress")
    return ",".join(sorted({entry.get("ip") or entry.get("hostname", "") for entry in ingress} - {""}))


REPLICA_COUNTS = (
    Column("Desired", value("spec.replicas", 0), type="integer"),
    Column("Current", value("status.replicas", 0), type="integer"),
    Column("Ready", value("status.readyReplicas", 0), type="integer"),
)


def template_columns(template: str = "spec.template") -> tuple[Column, Column]:
    """The wide columns of what runs Pods: its containers' names and images."""

    def among(key: str) -> Cell:
        return lambda obj, now: names(each(obj, f"{template}.spec.containers"), key)

    names_said, images_said = (
        "Names of each container in the template.",
        "Images referenced by each container in the template.",
    )
    return (
        Column("Containers", among("name"), priority=1, description=names_said),
        Column("Images", among("image"), priority=1, description=images_said),
    )
