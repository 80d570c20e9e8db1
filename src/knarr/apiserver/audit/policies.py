"""The policy file: audit.k8s.io/v1 Policy.

https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Policy
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from knarr.apiserver.audit.levels import LEVELS, STAGES
from knarr.apiserver.configfiles import ConfigFile, ConfigFileError, decode_config
from knarr.machinery.errors import aggregate
from knarr.machinery.fielderrors import FieldError, invalid, not_supported, required
from knarr.machinery.names import dns1123_subdomain

_VERSIONS = ("audit.k8s.io/v1",)


class Resources(ConfigFile, frozen=True):
    """Resources of one group; no `resources` are all of them."""

    group: str = ""
    resources: tuple[str, ...] | None = None
    resource_names: tuple[str, ...] | None = None


class Rule(ConfigFile, frozen=True):
    """Which requests it is about, where each list that is empty takes any; and what becomes of them."""

    level: str = ""
    users: tuple[str, ...] | None = None
    user_groups: tuple[str, ...] | None = None
    verbs: tuple[str, ...] | None = None
    resources: tuple[Resources, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    paths: tuple[str, ...] | None = msgspec.field(default=None, name="nonResourceURLs")
    omit_stages: tuple[str, ...] | None = None
    omit_managed_fields: bool | None = None  # None: as the policy says


class Policy(ConfigFile, frozen=True):
    """The first rule that matches decides; what no rule matches is not recorded."""

    rules: tuple[Rule, ...] = ()
    omit_stages: tuple[str, ...] | None = None
    omit_managed_fields: bool = False


def read_policy(path: Path) -> Policy:
    """The policy in a file. Raises ConfigFileError."""
    try:
        return decode_policy(path.read_bytes())
    except OSError as error:
        raise ConfigFileError(f'failed to read file path "{path}": {error.strerror}') from None
    except ConfigFileError as error:
        raise ConfigFileError(f"{error}: from file {path}") from None


def decode_policy(text: bytes) -> Policy:
    """The same from a file's contents."""
    return checked(decode_config(text, "Policy", _VERSIONS, Policy))


def checked(policy: Policy) -> Policy:
    """The policy, if it can be. Raises ConfigFileError."""
    if found := [*map(str, _errors(policy))]:
        raise ConfigFileError(aggregate(found))
    if not policy.rules:
        raise ConfigFileError("loaded illegal policy with 0 rules")
    return policy


def _errors(policy: Policy) -> Iterator[FieldError]:
    yield from _stages(policy.omit_stages, "omitStages")
    for index, rule in enumerate(policy.rules):
        yield from _rule(rule, f"rules[{index}]")


def _rule(rule: Rule, path: str) -> Iterator[FieldError]:
    if not rule.level:
        yield required(f"{path}.level")
    elif rule.level not in LEVELS:
        yield not_supported(f"{path}.level", rule.level, LEVELS, in_order=True)
    yield from _paths(rule.paths, f"{path}.nonResourceURLs")
    for resources in rule.resources or ():
        yield from _resources(resources, f"{path}.resources")
    yield from _stages(rule.omit_stages, f"{path}.omitStages")
    if rule.paths and (rule.resources or rule.namespaces):
        why = "rules cannot apply to both regular resources and non-resource URLs"
        yield invalid(f"{path}.nonResourceURLs", rule.paths, why)


def _paths(urls: tuple[str, ...] | None, path: str) -> Iterator[FieldError]:
    for index, url in enumerate(urls or ()):
        if url == "*":
            continue
        if not url.startswith("/"):
            yield invalid(f"{path}[{index}]", url, "non-resource URL rules must begin with a '/' character")
        if "*" in url[:-1]:
            why = "non-resource URL wildcards '*' must be the final character of the rule"
            yield invalid(f"{path}[{index}]", url, why)


def _resources(resources: Resources, path: str) -> Iterator[FieldError]:
    if resources.group and (wrong := list(dns1123_subdomain(resources.group))):
        yield invalid(f"{path}.group", resources.group, ",".join(wrong))
    if resources.resource_names and not resources.resources:
        yield invalid(
            f"{path}.resourceNames", resources.resource_names, "using resourceNames requires at least one resource"
        )


def _stages(stages: tuple[str, ...] | None, path: str) -> Iterator[FieldError]:
    for index, stage in enumerate(stages or ()):
        if stage not in STAGES:
            yield invalid(f"{path}[{index}]", stage, f"allowed stages are {','.join(STAGES)}")
