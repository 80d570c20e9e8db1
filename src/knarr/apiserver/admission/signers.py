"""What the two plugins about signers of certificates have in common."""

from __future__ import annotations

from collections.abc import Callable

from knarr.api.paths import dig
from knarr.apiserver.admission.plugin import Attributes, Plugin, Surroundings
from knarr.apiserver.authz.signers import may_use


def guard(name: str, subresource: str, verb: str, concerns: Callable[[Attributes], bool]) -> Plugin:
    """A plugin which sees to it that who writes the subresource may do so for the request's signer."""

    def start(surroundings: Surroundings) -> Plugin:
        registry = surroundings.registry

        async def validate(attributes: Attributes) -> None:
            if attributes.subresource != subresource or registry.authorizer is None or not concerns(attributes):
                return
            signer = dig(attributes.old, "spec.signerName", "")
            if not await may_use(registry.authorizer, attributes.user, verb, signer):
                raise attributes.forbidden(f'user not permitted to {verb} requests with signerName "{signer}"')

        return Plugin(
            name,
            validate=validate,
            operations=frozenset({"UPDATE"}),
            resources=("certificatesigningrequests.certificates.k8s.io",),
            subresources=True,
        )

    return Plugin(name, start=start)
