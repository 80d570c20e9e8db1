"""What controllers read of tokens that are kept in Secrets, and of the accounts that these are of."""

from __future__ import annotations

from knarr.api import bootstraptokens, serviceaccounts
from knarr.client.objects import Object, View


class Reference(View, frozen=True):
    name: str = ""


class Account(Object, frozen=True):
    """A service account, and the Secrets that it lists as its own."""

    secrets: tuple[Reference, ...] = ()


class TokenSecret(Object, frozen=True):
    """A token of an account that its annotations name."""

    data: dict[str, str] = {}

    @property
    def account(self) -> str:
        """The key of the account."""
        return f"{self.metadata.namespace}/{self.metadata.annotations.get(serviceaccounts.ACCOUNT_NAME, '')}"


class BootstrapToken(Object, frozen=True):
    data: dict[str, str] = {}


OF_ACCOUNTS = f"type={serviceaccounts.TYPE}"  # which Secrets are TokenSecrets
OF_BOOTSTRAPPERS = f"type={bootstraptokens.TYPE}"
