"""Flags about whom the controllers act as."""

from __future__ import annotations

from typing import Annotated

from knarr.cluster.flags.notation import Flags, Text


class Identities(Flags, frozen=True, kw_only=True):
    """Each controller as its own service account, as installers have it; or all as the controller manager."""

    use_service_account_credentials: Annotated[
        bool, Text(description="each controller acts as its own service account, with its own rights")
    ] = True
