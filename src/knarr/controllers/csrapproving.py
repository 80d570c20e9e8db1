"""Requests of kubelets for their client certificates are approved, if those who ask are granted that.

https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/#approval
"""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.certificates import Wanted
from knarr.api.signers import KUBELET_CLIENT, REFUSALS
from knarr.client.objects import Object, View
from knarr.client.resources import SIGNING_REQUESTS, SUBJECT_ACCESS_REVIEWS
from knarr.controllers.signingrequests import SigningRequest, approve, read
from knarr.machinery.times import parse_time
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, Watch

SHORTEST, LONGEST = 1.0, 1000.0  # seconds until somebody who had not the right is asked about again


class ReviewStatus(View, frozen=True):
    allowed: bool = False


class Review(Object, frozen=True):
    status: ReviewStatus = ReviewStatus()


async def reconcile(context: Context, key: str) -> After | None:
    """Approve the request of this name, or look again when it is twice as old: rights come without a sign."""
    request = context.cache(SIGNING_REQUESTS, SigningRequest).get(key)
    if request is None or request.spec.signer_name != KUBELET_CLIENT or not request.pending:
        return None
    wanted = await read(request)
    if REFUSALS[KUBELET_CLIENT](wanted, request.spec.usages):
        return None
    for right, whose in _rights(request, wanted):
        if await _granted(context, request, right):
            await approve(context, request, f"Auto approving {whose} certificate after SubjectAccessReview.")
            return None
    age = context.clock.now() - parse_time(request.metadata.creation_timestamp or "")
    return After(min(max(age.total_seconds(), SHORTEST), LONGEST))


def _rights(request: SigningRequest, wanted: Wanted) -> Iterator[tuple[str, str]]:
    """The subresources of which one must be granted, and what the certificate is then."""
    if request.spec.username == wanted.common_name:
        yield "selfnodeclient", "self kubelet client"
    yield "nodeclient", "kubelet client"


async def _granted(context: Context, request: SigningRequest, right: str) -> bool:
    resource = {
        "group": SIGNING_REQUESTS.group,
        "resource": SIGNING_REQUESTS.plural,
        "verb": "create",
        "subresource": right,
    }
    asker = request.spec
    spec = {"user": asker.username, "uid": asker.uid, "groups": asker.groups, "extra": asker.extra}
    body = {"spec": {**spec, "resourceAttributes": resource}}
    return (await context.client.create(SUBJECT_ACCESS_REVIEWS, body, view=Review)).status.allowed


CONTROLLER = Controller(
    name="certificatesigningrequest-approving-controller",
    watches=(Watch(SIGNING_REQUESTS, SigningRequest),),
    reconcile=reconcile,
    account="certificate-controller",
    workers=5,
    may={
        "certificatesigningrequests.certificates.k8s.io": "get",
        "certificatesigningrequests.certificates.k8s.io/approval": "update",
        f"signers.certificates.k8s.io={KUBELET_CLIENT}": "approve",
        "subjectaccessreviews.authorization.k8s.io": "create",
    },
)
