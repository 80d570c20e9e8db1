"""What is wrong with an EncryptionConfiguration, in upstream's words; no key is ever shown."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Sequence
from itertools import combinations
from urllib.parse import urlsplit

from msgspec import UNSET

from knarr.apiserver.encryption.configuration import ANYTHING, KMS, EncryptionConfiguration, Key, Provider, resource
from knarr.machinery.fielderrors import OMITTED, FieldError, invalid, required
from knarr.machinery.times import TimeError, parse_duration

_AES_SIZES, _BOX_SIZES = (16, 24, 32), (32,)  # bytes
_KEY_SIZES = {"aesgcm": _AES_SIZES, "aescbc": _AES_SIZES, "secretbox": _BOX_SIZES}
_NO_REST = ("apiserveripinfo", "serviceipallocations", "servicenodeportallocations")
_DUPLICATE = "the same resource cannot be specified multiple times"
_OVERLAP = (
    "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be "
    "masked"
)
_NONE = "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity"
_SEVERAL = "more than one provider specified in a single element, should split into different list elements"


def problems(found: EncryptionConfiguration, *, reload: bool) -> list[FieldError]:
    """`reload`: the file is read again when it changes, so that the names of all plugins must differ."""
    if not found.resources:
        return [required("resources", "at least one resources is required")]
    errors: list[FieldError] = []
    names: set[str] = set()
    for index, rule in enumerate(found.resources):
        where = f"resources[{index}]"
        errors += _resources(rule.resources, f"{where}.resources")
        if not rule.providers:
            errors.append(required(f"{where}.providers", f"at least one {where}.providers is required"))
        for place, provider in enumerate(rule.providers):
            errors += _provider(provider, f"{where}.providers[{place}]", names, reload=reload)
    return errors


def secret_of(key: Key) -> bytes:
    """The key's bytes. Raises ValueError."""
    return b64decode(key.secret.replace("\r", "").replace("\n", ""), validate=True)


def _resources(names: Sequence[str], where: str) -> Iterator[FieldError]:
    if not names:
        yield required(where, f"at least one {where} is required")
    pairs = list(combinations(map(resource, names), 2))
    if any(one == other for one, other in pairs):
        yield invalid(where, names, _DUPLICATE)
    if any(one != other and _overlap(one, other) for one, other in pairs):
        yield invalid(where, names, _OVERLAP)
    for index, name in enumerate(names):
        if why := _wrong_resource(name):
            yield invalid(f"{where}[{index}]", name, why)


def _overlap(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return ANYTHING in (one, other) or (one[1] == other[1] and "*" in (one[0], other[0]))


def _wrong_resource(name: str) -> str:
    plural, group = resource(name)
    if name.lower() != name:
        return "resource name should not contain capital letters"
    if name == "*":
        return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
    if name in _NO_REST:
        return "resources which do not have REST API/s cannot be encrypted"
    if group == "events.k8s.io":
        why = "objects are stored using the 'events' API group in etcd"
        return f"'*.events.k8s.io' {why}. Use 'events' instead in the config file"
    if group == "extensions":
        return "'extensions' group has been removed and cannot be used for encryption"
    if group == "*" and plural != "*":
        return "encrypting the same resource across groups is not supported"
    return ""


def _provider(provider: Provider, where: str, names: set[str], *, reload: bool) -> Iterator[FieldError]:
    named = provider.named
    if len(named) != 1:
        yield invalid(where, OMITTED, _SEVERAL if named else _NONE)
    if provider.kms is not UNSET:
        yield from _kms(provider.kms, f"{where}.kms", names, reload=reload)
        names.add(provider.kms.name)
        return
    for name in named[:1]:
        if name in _KEY_SIZES:
            yield from _keys(getattr(provider, name).keys, f"{where}.{name}.keys", _KEY_SIZES[name])


def _keys(keys: Sequence[Key], where: str, sizes: Sequence[int]) -> Iterator[FieldError]:
    if not keys:
        yield required(where, "at least one keys is required")
    for index, key in enumerate(keys):
        if not key.name:
            yield required(f"{where}[{index}].name", "name is a mandatory field for a key")
        if not key.secret:
            yield required(f"{where}[{index}].secret", "secret is a mandatory field for a key")
        elif why := _wrong_secret(key, sizes):
            yield invalid(f"{where}[{index}].secret", "REDACTED", why)


def _wrong_secret(key: Key, sizes: Sequence[int]) -> str:
    try:
        size = len(secret_of(key))
    except (binascii.Error, ValueError):
        return "secrets must be base64 encoded"
    expected = " ".join(map(str, sizes))
    return "" if size in sizes else f"secret is not of the expected length, got {size}, expected one of [{expected}]"


def _kms(kms: KMS, where: str, names: set[str], *, reload: bool) -> Iterator[FieldError]:
    first = kms.api_version == "v1"
    if not kms.name:
        yield required(f"{where}.name", "name is a mandatory field for a provider")
    if not first and ":" in kms.name:
        yield invalid(f"{where}.name", kms.name, f"invalid KMS provider name {kms.name}, must not contain ':'")
    if kms.name in names and (reload or not first):
        yield invalid(f"{where}.name", kms.name, f"duplicate KMS provider name {kms.name}, names must be unique")
    if not _positive(kms.timeout):
        yield invalid(f"{where}.timeout", kms.timeout, "timeout should be a positive value")
    if why := _wrong_endpoint(kms.endpoint):
        yield invalid(f"{where}.endpoint", kms.endpoint, why)
    if not first and kms.cachesize is not UNSET:
        yield invalid(f"{where}.cachesize", kms.cachesize, "cachesize is not supported in v2")
    if first and kms.cachesize == 0:
        yield invalid(f"{where}.cachesize", 0, "cachesize should be a positive value, or negative to disable")
    if kms.api_version not in ("v1", "v2"):
        why = "unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported"
        yield invalid(f"{where}.apiVersion", kms.api_version, why)


def _positive(duration: str) -> bool:
    try:
        return parse_duration(duration) > 0
    except TimeError:
        return False


def _wrong_endpoint(endpoint: str) -> str:
    if not endpoint:
        return "endpoint is a mandatory field for a kms"
    try:
        scheme, _, path, *_ = urlsplit(endpoint)
    except ValueError as error:
        return f"invalid endpoint for kms provider, error: {error}"
    if scheme != "unix":
        return f'unsupported scheme "{scheme}" for KMS provider, only unix is supported'
    return "" if path.startswith("/") else "invalid endpoint for kms provider, error: it names no socket"
