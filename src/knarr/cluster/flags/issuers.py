"""Flags about tokens that others issue."""

from __future__ import annotations

from typing import Annotated

from knarr.cluster.flags.notation import File, Flags, Text


class Issuers(Flags, frozen=True, kw_only=True):
    """Whose tokens are believed besides our own: issuers of a file, one that the --oidc flags name, or whom a webhook
    knows.
    """

    authentication_config: Annotated[File, Text(description="a file of the kind AuthenticationConfiguration")] = File(
        ""
    )
    oidc_issuer_url: Annotated[str, Text(description="the URL of an OpenID issuer")] = ""
    oidc_client_id: Annotated[str, Text(description="the audience that its tokens must be for")] = ""
    oidc_ca_file: Annotated[File, Text(description="the authorities that vouch for its server")] = File("")
    oidc_username_claim: Annotated[str, Text(description="the claim that is the user's name")] = "sub"
    oidc_username_prefix: Annotated[
        str,
        Text(
            description="what goes before it; '-' is nothing, and the default is the issuer's URL, unless it is email"
        ),
    ] = ""
    oidc_groups_claim: Annotated[str, Text(description="the claim with the user's groups")] = ""
    oidc_groups_prefix: Annotated[str, Text(description="what goes before them")] = ""
    oidc_required_claim: Annotated[tuple[str, ...], Text(description="key=value pairs that claims must hold")] = ()
    oidc_signing_algs: Annotated[tuple[str, ...], Text(description="how tokens may be signed")] = ("RS256",)
    authentication_token_webhook_config_file: Annotated[
        File, Text(description="a file in the format of kubeconfig, of a webhook that knows tokens")
    ] = File("")
    authentication_token_webhook_version: Annotated[
        str, Text(description="the version of the TokenReviews that it is sent")
    ] = "v1beta1"  # noqa: S105
    authentication_token_webhook_cache_ttl: Annotated[float, Text(description="how long its answers are good for")] = (
        120.0
    )

    def problems(self) -> list[str]:
        return [*self._oidc(), *self._webhook()]

    def _oidc(self) -> list[str]:
        plain = type(self)()
        told = [name for name in self.__struct_fields__ if name.startswith("oidc_")]
        if all(getattr(self, name) == getattr(plain, name) for name in told):
            return []
        said = []
        if self.authentication_config:
            said.append("authentication-config file and oidc-* flags are mutually exclusive")
        if not self.oidc_issuer_url or not self.oidc_client_id:
            said.append("oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set")
        pairs = [pair for pair in self.oidc_required_claim if "=" not in pair]
        return [*said, *(f'--oidc-required-claim: "{pair}" is no key=value' for pair in pairs)]

    def _webhook(self) -> list[str]:
        if self.authentication_token_webhook_version in ("v1", "v1beta1"):
            return []
        return ["--authentication-token-webhook-version must be v1 or v1beta1"]
