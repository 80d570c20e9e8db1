"""CertificateSubjectRestriction: nobody becomes a member of system:masters by a client certificate that they ask for.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesubjectrestriction
"""

from __future__ import annotations

import base64

from knarr.apiserver.admission.plugin import Attributes, Plugin

_SIGNER, _GROUP = "kubernetes.io/kube-apiserver-client", "system:masters"


def validate(attributes: Attributes) -> None:
    spec = (attributes.object or {})["spec"]
    if spec.get("signerName") != _SIGNER:
        return
    from cryptography.x509 import load_pem_x509_csr  # here: few requests come, and loading this takes milliseconds
    from cryptography.x509.oid import NameOID

    subject = load_pem_x509_csr(base64.b64decode(spec["request"])).subject
    if any(part.value == _GROUP for part in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)):
        raise attributes.forbidden(f"use of {_SIGNER} signer with {_GROUP} group is not allowed")


PLUGIN = Plugin(
    "CertificateSubjectRestriction",
    validate=validate,
    operations=frozenset({"CREATE"}),
    resources=("certificatesigningrequests.certificates.k8s.io",),
)
