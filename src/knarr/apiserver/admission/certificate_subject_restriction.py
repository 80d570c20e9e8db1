"""CertificateSubjectRestriction: nobody becomes a member of system:masters by a client certificate that they ask for.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesubjectrestriction
"""

from __future__ import annotations

import base64

from knarr.api.certificates import read_request
from knarr.api.signers import API_CLIENT
from knarr.apiserver.admission.plugin import Attributes, Plugin
from knarr.apiserver.authn.users import MASTERS


def validate(attributes: Attributes) -> None:
    spec = (attributes.object or {})["spec"]
    if spec.get("signerName") != API_CLIENT:
        return
    if MASTERS in read_request(base64.b64decode(spec["request"])).organizations:
        raise attributes.forbidden(f"use of {API_CLIENT} signer with {MASTERS} group is not allowed")


PLUGIN = Plugin(
    "CertificateSubjectRestriction",
    validate=validate,
    operations=frozenset({"CREATE"}),
    resources=("certificatesigningrequests.certificates.k8s.io",),
)
