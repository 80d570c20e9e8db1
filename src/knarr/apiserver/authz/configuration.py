"""Which authorizers there are, in which order: as flags say it, or a file of the kind AuthorizationConfiguration.

https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/#apiserver-config-k8s-io-v1-AuthorizationConfiguration
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from knarr.apiserver.authz.fields import WEBHOOK, Fields, WebhookFields, name_of
from knarr.apiserver.configfiles import ConfigFileError, decode_config
from knarr.machinery.errors import aggregate
from knarr.machinery.times import parse_duration

_GROUP = "apiserver.config.k8s.io"
_VERSIONS = tuple(f"{_GROUP}/{version}" for version in ("v1", "v1beta1", "v1alpha1"))


class Webhook(msgspec.Struct, frozen=True):
    """How to ask a webhook, which the kubeconfig `file` names, and for how many seconds answers are remembered."""

    file: Path
    version: str = "v1beta1"
    seconds: float = 30.0
    denies_when_it_fails: bool = False
    seconds_allowed: float = 300.0
    seconds_refused: float = 30.0
    conditions: tuple[str, ...] = ()


class Configured(msgspec.Struct, frozen=True):
    """One authorizer. The name is for figures."""

    type: str
    name: str
    webhook: Webhook | None = None


class Authorization(msgspec.Struct, frozen=True):
    """All of them. `policies` is ABAC's file. `file` is where `authorizers` come from: it is followed."""

    authorizers: tuple[Configured, ...] = ()
    policies: Path | None = None
    file: Path | None = None


def by_modes(modes: Sequence[str], policies: Path | None = None, webhook: Webhook | None = None) -> Authorization:
    """What --authorization-mode says."""
    found = (Configured(WEBHOOK, "default", webhook) if m == WEBHOOK else Configured(m, name_of(m)) for m in modes)
    return Authorization(tuple(found), policies)


def read_configuration(path: Path) -> Authorization:
    """The configuration of a file, which is named in the message. Raises ConfigFileError."""
    try:
        return Authorization(decoded(path.read_bytes()), file=path)
    except OSError as error:
        raise ConfigFileError(f"open {path}: {(error.strerror or '').lower()}") from None
    except ConfigFileError as error:
        raise ConfigFileError(f"{path}: {error}") from None


def decoded(text: bytes) -> tuple[Configured, ...]:
    """The authorizers of a file's text. Raises ConfigFileError."""
    from knarr.apiserver.authz.checks import check  # needed once, and seldom

    try:
        fields = decode_config(text, "AuthorizationConfiguration", _VERSIONS, Fields)
    except ConfigFileError as error:
        raise ConfigFileError(f"failed to load AuthorizationConfiguration from file: {error}") from None
    if problems := check(fields):
        raise ConfigFileError(aggregate(problems))
    return tuple(Configured(given.type, given.name, _webhook(given.webhook)) for given in fields.authorizers)


def _webhook(given: WebhookFields | None) -> Webhook | None:
    if given is None:
        return None
    return Webhook(
        file=Path(given.connection_info.kube_config_file or ""),
        version=given.subject_access_review_version,
        seconds=parse_duration(given.timeout),
        denies_when_it_fails=given.failure_policy == "Deny",
        seconds_allowed=parse_duration(given.authorized_ttl) if given.cache_authorized_requests else 0.0,
        seconds_refused=parse_duration(given.unauthorized_ttl) if given.cache_unauthorized_requests else 0.0,
        conditions=tuple(condition.expression for condition in given.match_conditions),
    )
