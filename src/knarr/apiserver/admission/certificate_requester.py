"""Whose a CertificateSigningRequest is: who sends it, whatever it says itself.

Not an admission plugin upstream, where the storage of these requests does it.
https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
"""

from __future__ import annotations

from typing import Any

from knarr.apiserver.admission.plugin import Attributes, Plugin


def mutate(attributes: Attributes) -> None:
    spec, user = (attributes.object or {}).setdefault("spec", {}), attributes.user
    said: dict[str, Any] = {
        "username": user.name,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": {key: list(values) for key, values in user.extra.items()},
    }
    for name, value in said.items():
        spec.pop(name, None)
        if value:
            spec[name] = value


PLUGIN = Plugin(
    "CertificateRequester",
    mutate=mutate,
    operations=frozenset({"CREATE"}),
    resources=("certificatesigningrequests.certificates.k8s.io",),
)
