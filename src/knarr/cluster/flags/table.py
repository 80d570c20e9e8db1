"""The subjects, in the order of --help."""

from __future__ import annotations

import msgspec

from knarr.cluster.flags.audit import Audit
from knarr.cluster.flags.notation import Flags
from knarr.cluster.flags.serviceaccounts import ServiceAccounts
from knarr.cluster.flags.serving import Serving


class APIFlags(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """All of them, by subject."""

    serving: Serving = Serving()
    serviceaccounts: ServiceAccounts = ServiceAccounts()
    audit: Audit = Audit()

    def problems(self) -> list[str]:
        """Why the API server cannot run with these."""
        return [problem for subject in SUBJECTS for problem in getattr(self, subject).problems()]


SUBJECTS: dict[str, type[Flags]] = {
    "serving": Serving,
    "serviceaccounts": ServiceAccounts,
    "audit": Audit,
}
