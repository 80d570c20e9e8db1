"""The subjects of each part, in the order of --help."""

from __future__ import annotations

from typing import get_type_hints

import msgspec

from knarr.cluster.flags.audit import Audit
from knarr.cluster.flags.authentication import Authentication
from knarr.cluster.flags.authorization import Authorization
from knarr.cluster.flags.encryption import Encryption
from knarr.cluster.flags.identities import Identities
from knarr.cluster.flags.issuers import Issuers
from knarr.cluster.flags.kubelets import Kubelets
from knarr.cluster.flags.notation import Flags
from knarr.cluster.flags.rotation import Rotation
from knarr.cluster.flags.secrettokens import SecretTokens
from knarr.cluster.flags.serviceaccounts import ServiceAccounts
from knarr.cluster.flags.serving import Serving
from knarr.cluster.flags.signing import Signing


class PartFlags(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that a part is told, by subject."""

    @classmethod
    def subjects(cls) -> dict[str, type[Flags]]:
        """The subjects by their names, in order."""
        hints = get_type_hints(cls)
        return {name: hints[name] for name in cls.__struct_fields__}

    def problems(self) -> list[str]:
        """Why the part cannot run with these."""
        return [problem for subject in self.__struct_fields__ for problem in getattr(self, subject).problems()]


class APIFlags(PartFlags, frozen=True, kw_only=True):
    """The API server."""

    serving: Serving = Serving()
    kubelets: Kubelets = Kubelets()
    authentication: Authentication = Authentication()
    issuers: Issuers = Issuers()
    serviceaccounts: ServiceAccounts = ServiceAccounts()
    audit: Audit = Audit()
    encryption: Encryption = Encryption()
    authorization: Authorization = Authorization()


class ControllerFlags(PartFlags, frozen=True, kw_only=True):
    """The controller manager."""

    signing: Signing = Signing()
    secrettokens: SecretTokens = SecretTokens()
    identities: Identities = Identities()


class KubeletFlags(PartFlags, frozen=True, kw_only=True):
    """The kubelet."""

    rotation: Rotation = Rotation()


PARTS: dict[str, type[PartFlags]] = {  # by the configuration's field that keeps them
    "api": APIFlags,
    "controllers": ControllerFlags,
    "kubelet": KubeletFlags,
}
