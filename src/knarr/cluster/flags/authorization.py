"""Flags about who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from knarr.cluster.flags.notation import File, Flags, Text

_MODES = ("ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook")
_ALONE = "--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are "


class Authorization(Flags, frozen=True, kw_only=True):
    """The authorizers in their order, by flags or by a file."""

    authorization_mode: Annotated[
        tuple[str, ...],
        Text(description=f"who decides, in this order, of {', '.join(_MODES)}; Node,RBAC by default"),
    ] = ()
    authorization_policy_file: Annotated[File, Text(description="the policies of ABAC, a JSON object in each line")] = (
        File("")
    )
    authorization_webhook_config_file: Annotated[
        File, Text(description="a kubeconfig that names the webhook to ask")
    ] = File("")
    authorization_webhook_version: Annotated[
        str, Text(description="the version of authorization.k8s.io in which it is asked: v1 or v1beta1")
    ] = "v1beta1"
    authorization_webhook_cache_authorized_ttl: Annotated[
        float, Text(description="how long it is remembered that the webhook has allowed something")
    ] = 300.0
    authorization_webhook_cache_unauthorized_ttl: Annotated[
        float, Text(description="how long it is remembered that it has not")
    ] = 30.0
    authorization_config: Annotated[
        File, Text(description="a file of the kind AuthorizationConfiguration, instead of these flags; it is followed")
    ] = File("")

    def problems(self) -> list[str]:
        return list(self._beside_file() if self.authorization_config else self._modes())

    def _beside_file(self) -> Iterator[str]:
        alone = Authorization(
            authorization_config=self.authorization_config, authorization_policy_file=self.authorization_policy_file
        )
        if self != alone:
            yield f"{_ALONE}defined"

    def _modes(self) -> Iterator[str]:
        modes = self.authorization_mode
        yield from (f'authorization-mode "{mode}" is not a valid mode' for mode in modes if mode not in _MODES)
        if "ABAC" in modes and not self.authorization_policy_file:
            yield "authorization-mode ABAC's authorization policy file not passed"
        if "Webhook" in modes and not self.authorization_webhook_config_file:
            yield "authorization-mode Webhook's authorization config file not passed"
        if self.authorization_policy_file and "ABAC" not in modes:
            yield "cannot specify --authorization-policy-file without mode ABAC"
        if self.authorization_webhook_config_file and "Webhook" not in modes:
            yield "cannot specify --authorization-webhook-config-file without mode Webhook"
        if len(set(modes)) < len(modes):
            listed = " ".join(f'"{mode}"' for mode in modes)
            yield f"authorization-mode [{listed}] has mode specified more than once"
        if self.authorization_webhook_version not in ("v1", "v1beta1"):
            yield (
                f'unsupported webhook authorizer version "{self.authorization_webhook_version}", '
                'supported versions are "v1", "v1beta1"'
            )
