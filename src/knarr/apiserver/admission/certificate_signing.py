"""CertificateSigning: who puts a certificate into a request, or says that it failed, may sign for its signer.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesigning
"""

from __future__ import annotations

from knarr.api.paths import dig
from knarr.apiserver.admission.plugin import Attributes, Plugin, Surroundings
from knarr.apiserver.authz.signers import may_use

NAME = "CertificateSigning"


def start(surroundings: Surroundings) -> Plugin:
    registry = surroundings.registry

    def validate(attributes: Attributes) -> None:
        if attributes.subresource != "status" or registry.authorizer is None or not _signs(attributes):
            return
        signer = dig(attributes.old, "spec.signerName", "")
        if not may_use(registry.authorizer, attributes.user, "sign", signer):
            raise attributes.forbidden(f'user not permitted to sign requests with signerName "{signer}"')

    return Plugin(
        NAME,
        validate=validate,
        operations=frozenset({"UPDATE"}),
        resources=("certificatesigningrequests.certificates.k8s.io",),
        subresources=True,
    )


def _signs(attributes: Attributes) -> bool:
    paths = ("status.certificate", "status.conditions")
    return any(dig(attributes.object, path) != dig(attributes.old, path) for path in paths)


PLUGIN = Plugin(NAME, start=start)
