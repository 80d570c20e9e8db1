"""From the configuration to what seals: for each resource its providers, found by the key of an object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import UNSET

from knarr.api.kind import Kind
from knarr.apiserver.configfiles import ConfigFileError
from knarr.apiserver.encryption.configuration import (
    ANYTHING,
    KMS,
    EncryptionConfiguration,
    Keys,
    Provider,
    Resource,
    resource,
)
from knarr.apiserver.encryption.validation import secret_of
from knarr.storage.sealing import providers
from knarr.storage.sealing.providers import SILENT, Identity, Keyed, Providers, Tally

KMS_V1 = (
    "KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.  Set "
    "--feature-gates=KMSv1=true to use the deprecated KMSv1 feature."
)


class Rules:
    """The `Seals` of a configuration: of a resource the rule that names it, its group, or everything.

    Resources are known by where their objects are kept: those of `kinds`, and below a group's name those that come with
    a CustomResourceDefinition. What lies elsewhere is no object, and is sealed by nobody, as upstream has it.
    """

    def __init__(self, rules: Mapping[Resource, Providers], kinds: Iterable[Kind]) -> None:
        self._rules = rules
        self._places: dict[str, Providers | None] = {}
        for kind in kinds:
            if kind.prefix not in self._places or not kind.group:  # of several groups with the same objects the core's
                self._places[kind.prefix] = self.for_resource(Resource(kind.plural, kind.group))

    def of(self, key: str) -> Providers | None:
        parts = key.split("/", 4)
        place = "/".join(parts[:3])
        if place in self._places:
            return self._places[place]
        place = "/".join(parts[:4])
        if place not in self._places and len(parts) > 4 and "." in parts[2]:
            self._places[place] = self.for_resource(Resource(parts[3], parts[2]))
        return self._places.get(place)

    def for_resource(self, wanted: Resource) -> Providers | None:
        for candidate in (wanted, Resource("*", wanted.group), ANYTHING):
            if candidate in self._rules:
                return self._rules[candidate]
        return None

    def prefixes(self, before: Rules | None = None) -> list[str]:
        """Where something is kept that is sealed, or was by the rules `before`."""
        places = dict.fromkeys([*self._places, *(before._places if before else ())])
        rules = (self, before) if before else (self,)
        return [f"{place}/" for place in places if any(each.of(f"{place}/") for each in rules)]


def build(
    found: EncryptionConfiguration,
    kinds: Iterable[Kind],
    plugin: Callable[[KMS], providers.Provider],
    tally: Tally = SILENT,
) -> Rules:
    """`plugin` makes the provider of a KMS plugin. Raises ConfigFileError."""
    by_resource: dict[Resource, list[providers.Provider]] = {}
    for rule in found.resources:
        members = [_provider(provider, plugin) for provider in rule.providers]
        for name in rule.resources:
            wanted = resource(name)
            _refuse_masked(wanted, by_resource)
            by_resource.setdefault(wanted, []).extend(members)
    chosen = {
        name: Providers(members, "no matching prefix found", tally=tally) for name, members in by_resource.items()
    }
    return Rules(chosen, kinds)


def _refuse_masked(wanted: Resource, earlier: Iterable[Resource]) -> None:
    for masking in (Resource("*", wanted.group), ANYTHING):
        if masking in earlier:
            raise ConfigFileError(f'resource "{wanted}" is masked by earlier rule "{masking}"')


def _provider(provider: Provider, plugin: Callable[[KMS], providers.Provider]) -> providers.Provider:
    from knarr.storage.sealing.ciphers import GCM, CBCWithPadding, Secretbox

    if provider.kms is not UNSET:
        if provider.kms.api_version == "v1":
            raise ConfigFileError(KMS_V1)
        return plugin(provider.kms)
    for keys, name, kind, cipher in (
        (provider.aesgcm, "aesgcm", "AES", GCM),
        (provider.aescbc, "aescbc", "AES", CBCWithPadding),
        (provider.secretbox, "secretbox", "Secretbox", Secretbox),
    ):
        if isinstance(keys, Keys):
            members = [Keyed(key.name, cipher(secret_of(key))) for key in keys.keys]
            otherwise = f"no matching key was found for the provided {kind} transformer"
            return Providers(members, otherwise, f"k8s:enc:{name}:v1:".encode())
    return Identity()
