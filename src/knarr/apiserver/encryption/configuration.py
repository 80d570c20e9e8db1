"""The file: apiserver.config.k8s.io/v1, EncryptionConfiguration."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType, field

from knarr.apiserver.configfiles import ConfigFile, decode_config


class Resource(NamedTuple):
    """A resource of a group, as rules name it: `secrets`, `*.apps`, `*.` (the core group's), `*.*`."""

    plural: str
    group: str

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group or self.plural == "*" else self.plural


ANYTHING = Resource("*", "*")


def resource(text: str) -> Resource:
    plural, _, group = text.partition(".")
    return Resource(plural, group)


class Key(ConfigFile, frozen=True):
    name: str = ""
    secret: str = ""

    def __repr__(self) -> str:
        return f"Key({self.name!r})"


class Keys(ConfigFile, frozen=True):
    keys: tuple[Key, ...] = ()


class KMS(ConfigFile, frozen=True):
    """A plugin behind a unix socket. `timeout` is a duration, of one call."""

    api_version: str = "v1"
    name: str = ""
    endpoint: str = ""
    timeout: str = "3s"
    cachesize: int | UnsetType = UNSET


class Provider(ConfigFile, frozen=True):
    """One of these."""

    aesgcm: Keys | UnsetType = UNSET
    aescbc: Keys | UnsetType = UNSET
    secretbox: Keys | UnsetType = UNSET
    identity: dict[str, Any] | UnsetType = UNSET
    kms: KMS | UnsetType = UNSET

    @property
    def named(self) -> list[str]:
        """Which ones it says."""
        return [name for name in self.__struct_fields__ if getattr(self, name) is not UNSET]


class Rule(ConfigFile, frozen=True):
    """How some resources are encrypted: the first provider writes, all read."""

    resources: tuple[str, ...] = ()
    providers: tuple[Provider, ...] = ()


class EncryptionConfiguration(ConfigFile, frozen=True):
    resources: tuple[Rule, ...] = field(default=())


def read(data: bytes) -> EncryptionConfiguration:
    """What the file's bytes say, as far as it has the form. Raises ConfigFileError."""
    return decode_config(data, "EncryptionConfiguration", ["apiserver.config.k8s.io/v1"], EncryptionConfiguration)
