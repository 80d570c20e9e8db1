"""Whose a CertificateSigningRequest is: who sends it, whatever it says itself.

Not an admission plugin upstream, where the storage of these requests does it.
https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
"""

from __future__ import annotations

from knarr.apiserver.admission.plugin import Attributes, Plugin
from knarr.apiserver.authn.users import described


def mutate(attributes: Attributes) -> None:
    spec = (attributes.object or {}).setdefault("spec", {})
    for name, value in described(attributes.user).items():
        spec.pop(name, None)
        if value:
            spec[name] = value


PLUGIN = Plugin(
    "CertificateRequester",
    mutate=mutate,
    operations=frozenset({"CREATE"}),
    resources=("certificatesigningrequests.certificates.k8s.io",),
)
