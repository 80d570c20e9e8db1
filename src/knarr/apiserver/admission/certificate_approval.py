"""CertificateApproval: who approves a request for a certificate may do so for its signer.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificateapproval
"""

from __future__ import annotations

from knarr.apiserver.admission.signers import guard

PLUGIN = guard("CertificateApproval", "approval", "approve", lambda attributes: True)
