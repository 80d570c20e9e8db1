"""The fields of an AuthorizationConfiguration, as a file has them.

https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/#apiserver-config-k8s-io-v1-AuthorizationConfiguration
"""

from __future__ import annotations

import msgspec

from knarr.apiserver.configfiles import ConfigFile

MODES = ("ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook")
WEBHOOK = "Webhook"


def name_of(type: str) -> str:
    """What an authorizer that there is one of is called."""
    return type.lower()


class ConnectionInfo(ConfigFile, frozen=True, kw_only=True):
    type: str = ""
    kube_config_file: str | None = None


class MatchCondition(ConfigFile, frozen=True, kw_only=True):
    expression: str = ""


class WebhookFields(ConfigFile, frozen=True, kw_only=True):
    """A webhook as the file has it, with upstream's defaults."""

    timeout: str = ""
    authorized_ttl: str = msgspec.field(default="5m", name="authorizedTTL")
    unauthorized_ttl: str = msgspec.field(default="30s", name="unauthorizedTTL")
    cache_authorized_requests: bool = True
    cache_unauthorized_requests: bool = True
    subject_access_review_version: str = ""
    match_condition_subject_access_review_version: str = ""
    failure_policy: str = ""
    connection_info: ConnectionInfo = ConnectionInfo()
    match_conditions: list[MatchCondition] = []


class AuthorizerFields(ConfigFile, frozen=True, kw_only=True):
    type: str = ""
    name: str = ""
    webhook: WebhookFields | None = None


class Fields(ConfigFile, frozen=True, kw_only=True):
    """The file."""

    authorizers: list[AuthorizerFields] = []
