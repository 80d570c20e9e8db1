"""Who may talk to the kubelet: only holders of a verified client certificate, and of these only the cluster's own.

What runs in containers can be reached through the kubelet's port, so there is no anonymous access to any path.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from knarr.machinery.errors import Forbidden, Unauthorized
from knarr.wire.messages import Peer


@dataclass(frozen=True, slots=True)
class Callers:
    """Names and groups that are let in."""

    names: frozenset[str] = frozenset({"system:apiserver", "kube-apiserver-kubelet-client"})
    groups: frozenset[str] = frozenset({"system:masters"})

    def admit(self, peer: Peer, path: str) -> None:
        """Raises Unauthorized without a certificate, Forbidden for one that is somebody else's."""
        if peer.certificate is None:
            raise Unauthorized("Unauthorized")
        name, groups = _identity(peer.certificate)
        if name not in self.names and not self.groups.intersection(groups):
            raise Forbidden(f'forbidden: User "{name}" cannot access the kubelet at path "{path}"')


@lru_cache(maxsize=64)
def _identity(certificate: bytes) -> tuple[str, frozenset[str]]:
    """Common name and organizations: the user and the groups."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    subject = x509.load_der_x509_certificate(certificate).subject
    names = [str(attribute.value) for attribute in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    groups = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return names[0] if names else "", frozenset(str(attribute.value) for attribute in groups)
