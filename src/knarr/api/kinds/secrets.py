"""Secrets: configuration that must not be shown."""

from __future__ import annotations

from knarr.api.cells import AGE, NAME, count, text
from knarr.api.kind import Column, Kind, Version
from knarr.api.paths import dig

KIND = Kind(
    kind="Secret",
    plural="secrets",
    versions=(Version("v1", "io.k8s.api.core.v1.Secret"),),
    columns=(NAME, Column("Type", text("type", "")), Column("Data", count("data")), AGE),
    fields={"type": lambda secret: dig(secret, "type", "")},
)
