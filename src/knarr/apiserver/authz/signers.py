"""Who may have a signer of certificates do something.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization
"""

from __future__ import annotations

from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import Authorizer
from knarr.apiserver.info import RequestInfo

GROUP = "certificates.k8s.io"


async def may_use(authorizer: Authorizer, user: User, verb: str, signer: str) -> bool:
    """Whether the user may do it with this signer, or with all of its domain (`example.com/*`)."""
    names = (signer, f"{signer.partition('/')[0]}/*")
    for name in names:
        if await authorizer.allows(user, RequestInfo(verb, GROUP, "*", "signers", name=name, is_resource=True)):
            return True
    return False
