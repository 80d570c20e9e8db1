"""CertificateSigning: who puts a certificate into a request, or says that it failed, may sign for its signer.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesigning
"""

from __future__ import annotations

from knarr.api.paths import dig
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.admission.signers import guard


def _signs(attributes: Attributes) -> bool:
    paths = ("status.certificate", "status.conditions")
    return any(dig(attributes.object, path) != dig(attributes.old, path) for path in paths)


PLUGIN = guard("CertificateSigning", "status", "sign", _signs)
