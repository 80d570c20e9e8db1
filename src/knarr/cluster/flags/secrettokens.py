"""Flags about the tokens of service accounts that Secrets hold, and controllers keep."""

from __future__ import annotations

from typing import Annotated

from knarr.cluster.flags.notation import File, Flags, Text

_YEAR = 8760 * 3600.0  # seconds


class SecretTokens(Flags, frozen=True, kw_only=True):
    """By which key they are made, and when those go that nobody uses."""

    service_account_private_key_file: Annotated[
        File, Text(description="the key that signs them; the API server's if empty")
    ] = File("")
    legacy_service_account_token_clean_up_period: Annotated[
        float, Text(description="without use, a token that nobody asked for is refused after this, and later removed")
    ] = _YEAR

    def problems(self) -> list[str]:
        if self.legacy_service_account_token_clean_up_period <= 0:
            return ["--legacy-service-account-token-clean-up-period must be more than nothing"]
        return []
