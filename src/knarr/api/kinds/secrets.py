"""Secrets: configuration that must not be shown."""

from __future__ import annotations

from base64 import b64encode

from knarr.api.cells import AGE, NAME, count, text
from knarr.api.kind import JSON, Column, Kind, Version
from knarr.api.paths import dig


def _prepare_create(secret: JSON) -> None:
    """`stringData` is for writing alone: it becomes data and is never read back."""
    plain = secret.pop("stringData", None)
    if plain:
        encoded = {key: b64encode(value.encode()).decode() for key, value in plain.items()}
        secret["data"] = {**(secret.get("data") or {}), **encoded}


def _prepare_update(new: JSON, old: JSON) -> None:
    _prepare_create(new)


KIND = Kind(
    kind="Secret",
    plural="secrets",
    versions=(Version("v1", "io.k8s.api.core.v1.Secret"),),
    columns=(NAME, Column("Type", text("type", "")), Column("Data", count("data")), AGE),
    fields={"type": lambda secret: dig(secret, "type", "")},
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
)
