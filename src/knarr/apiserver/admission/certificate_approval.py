"""CertificateApproval: who approves a request for a certificate may do so for its signer.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificateapproval
"""

from __future__ import annotations

from knarr.api.paths import dig
from knarr.apiserver.admission.plugin import Attributes, Plugin, Surroundings
from knarr.apiserver.authz.signers import may_use

NAME = "CertificateApproval"


def start(surroundings: Surroundings) -> Plugin:
    registry = surroundings.registry

    def validate(attributes: Attributes) -> None:
        signer = dig(attributes.old, "spec.signerName", "")
        if attributes.subresource != "approval" or registry.authorizer is None:
            return
        if not may_use(registry.authorizer, attributes.user, "approve", signer):
            raise attributes.forbidden(f'user not permitted to approve requests with signerName "{signer}"')

    return Plugin(
        NAME,
        validate=validate,
        operations=frozenset({"UPDATE"}),
        resources=("certificatesigningrequests.certificates.k8s.io",),
        subresources=True,
    )


PLUGIN = Plugin(NAME, start=start)
