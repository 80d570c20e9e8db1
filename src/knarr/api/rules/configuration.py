"""ConfigMaps and Secrets: keys that can be file names, and values that fit into the store."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable

from knarr.api.checks import named
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, required, too_long
from knarr.machinery.names import config_key

_CORE = "io.k8s.api.core.v1"
_LIMIT = 1024 * 1024
_DEMANDED = {  # keys that the data of a type must have
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
}
_ACCOUNT = "kubernetes.io/service-account.name"
_FROZEN = "field is immutable when `immutable` is set"


def _config_map(config: JSON, path: str) -> Iterable[FieldError]:
    texts, binaries = config.get("data") or {}, config.get("binaryData") or {}
    for field, entries in (("data", texts), ("binaryData", binaries)):
        for key in entries:
            yield from named(f"{field}[{key}]", key, config_key)
    for key in texts.keys() & binaries.keys():
        yield invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    if sum(len(text.encode()) for text in texts.values()) + sum(map(_decoded_size, binaries.values())) > _LIMIT:
        yield too_long("", _LIMIT)


def _secret(secret: JSON, path: str) -> Iterable[FieldError]:
    data, kind = secret.get("data") or {}, secret.get("type", "Opaque")
    for key in data:
        yield from named(f"data[{key}]", key, config_key)
    if sum(map(_decoded_size, data.values())) > _LIMIT:
        yield too_long("data", _LIMIT)
    for key in _DEMANDED.get(kind, ()):
        if key not in data:
            yield required(f"data[{key}]")
        elif key.startswith(".docker"):
            yield from _json(f"data[{key}]", data[key])
    if kind == "kubernetes.io/basic-auth" and not data.keys() & {"username", "password"}:
        yield required("data[username]")
        yield required("data[password]")
    if kind == "kubernetes.io/service-account-token" and not _account(secret):
        yield required(f"metadata.annotations[{_ACCOUNT}]")


def _account(secret: JSON) -> str:
    return str(dig(secret, "metadata.annotations", {}).get(_ACCOUNT, ""))


def _json(path: str, encoded: str) -> Iterable[FieldError]:
    try:
        json.loads(b64decode(encoded))
    except (ValueError, Base64Error) as error:
        yield invalid(path, "<secret contents redacted>", str(error))


def _decoded_size(encoded: str) -> int:
    """Bytes that base64 text stands for."""
    return len(encoded) * 3 // 4 - encoded[-2:].count("=")


def _update(new: JSON, old: JSON, path: str) -> Iterable[FieldError]:
    """Once immutable, always and wholly immutable (KEP-1412)."""
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield forbidden("immutable", _FROZEN)
    for field in ("data", "binaryData"):
        if (new.get(field) or {}) != (old.get(field) or {}):
            yield forbidden(field, _FROZEN)


def _encode(secret: JSON) -> None:
    """`stringData` is for writing alone: it becomes data and is never read back."""
    plain = secret.pop("stringData", None)
    if plain:
        encoded = {key: b64encode(value.encode()).decode() for key, value in plain.items()}
        secret["data"] = {**(secret.get("data") or {}), **encoded}


RULES = (
    Rules(f"{_CORE}.ConfigMap", validate=_config_map, validate_update=_update),
    Rules(
        f"{_CORE}.Secret",
        defaults={"type": "Opaque"},
        default=_encode,
        validate=_secret,
        validate_update=_update,
        immutable=("type",),
    ),
)
