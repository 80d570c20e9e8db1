"""Secrets that a Pod refers to and its service account does not: refused where the account enforces its own.

https://kubernetes.io/docs/concepts/security/service-accounts/#enforce-mountable-secrets
"""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.kind import JSON
from knarr.api.paths import dig, each

LATE = (("ephemeralContainers", "ephemeral container"),)
_EARLY = (("initContainers", "init container"), ("containers", "container"))


def foreign_secrets(spec: JSON, account: JSON) -> Iterator[str]:
    """What of a new Pod refers to secrets of others, in upstream's words."""
    own, name = _names(account, "secrets"), account["metadata"]["name"]
    for volume in each(spec, "volumes"):
        secret = dig(volume, "secret.secretName")
        if secret and secret not in own:
            yield f'volume with secret.secretName="{secret}" {_refused(name, "secret")}'
    yield from foreign_in_containers(spec, account, _EARLY)
    pulled = _names(account, "imagePullSecrets")
    for reference in each(spec, "imagePullSecrets"):
        if reference.get("name") not in pulled:
            yield f'imagePullSecret.name="{reference.get("name", "")}" {_refused(name, "imagePullSecret")}'


def foreign_in_containers(spec: JSON, account: JSON, sorts: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """The same of containers' environments."""
    own, why = _names(account, "secrets"), _refused(account["metadata"]["name"], "secret")
    for sort, what in sorts:
        for container in each(spec, sort):
            who = f"{what} {container['name']}"
            for variable in each(container, "env"):
                secret = dig(variable, "valueFrom.secretKeyRef.name")
                if secret and secret not in own:
                    yield f'{who} with envVar {variable["name"]} referencing secret.secretName="{secret}" {why}'
            for source in each(container, "envFrom"):
                secret = dig(source, "secretRef.name")
                if secret and secret not in own:
                    yield f'{who} with envFrom referencing secret.secretName="{secret}" {why}'


def _names(account: JSON, field: str) -> set[str]:
    return {reference.get("name", "") for reference in each(account, field)}


def _refused(account: str, what: str) -> str:
    return f"is not allowed because service account {account} does not reference that {what}"
