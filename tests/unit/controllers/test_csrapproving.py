"""Which requests of kubelets are approved without anybody's hand."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.api.signers import API_CLIENT, KUBELET_CLIENT
from knarr.client.objects import JSON
from knarr.client.resources import SIGNING_REQUESTS, SUBJECT_ACCESS_REVIEWS
from knarr.controllers import csrapproving
from knarr.wire.messages import Request
from tests.signingrequests import named, request, spec
from tests.unit.controllers.bench import NOW, Bench
from tests.unit.fake_api import FakeAPI

APPROVAL = SIGNING_REQUESTS.path("", "r", "approval")
REVIEWS = SUBJECT_ACCESS_REVIEWS.path()
KUBELET = request(named("system:node:n", "system:nodes"))
USAGES = ("digital signature", "client auth")
JOINING = {"username": "system:bootstrap:abcdef", "groups": ["system:bootstrappers"], "extra": {"a": ["b"]}}


def ask(bench: Bench, asker: str, pem: bytes = KUBELET, signer: str = KUBELET_CLIENT, **status: Any) -> None:
    asked = {**spec(pem, signer, *USAGES), **JOINING, "username": asker}
    bench.put(SIGNING_REQUESTS, "r", "", metadata={"creationTimestamp": NOW}, spec=asked, status=status)


class ReviewingAPI(FakeAPI):
    """Answers reviews: the creation of some subresources of requests is granted."""

    granted: frozenset[str] = frozenset()

    def _answer(self, request: Request, body: Any) -> JSON:
        if request.path != REVIEWS:
            return super()._answer(request, body)
        right = body["spec"]["resourceAttributes"]["subresource"]
        return {**body, "status": {"allowed": right in self.granted}}


class Reviewing(Bench):
    """A bench with such an API."""

    def __init__(self, *granted: str) -> None:
        super().__init__(csrapproving.CONTROLLER)
        self.api = self.reviewing = ReviewingAPI()
        self.reviewing.granted = frozenset(granted)

    @property
    def asked(self) -> list[str]:
        """The rights that were asked for."""
        return [body["spec"]["resourceAttributes"]["subresource"] for _, path, body in self.actions if path == REVIEWS]

    @property
    def approved(self) -> list[str]:
        """The messages of approvals."""
        return [body["status"]["conditions"][-1]["message"] for _, path, body in self.actions if path == APPROVAL]


@pytest.mark.parametrize(
    ("asker", "granted", "asked", "message"),
    [
        pytest.param(
            "system:node:n",
            ("selfnodeclient", "nodeclient"),
            ["selfnodeclient"],
            "Auto approving self kubelet client certificate after SubjectAccessReview.",
            id="its own",
        ),
        pytest.param(
            "system:node:n",
            ("nodeclient",),
            ["selfnodeclient", "nodeclient"],
            "Auto approving kubelet client certificate after SubjectAccessReview.",
            id="its own, by the right to any",
        ),
        pytest.param(
            "system:bootstrap:abcdef",
            ("selfnodeclient", "nodeclient"),
            ["nodeclient"],
            "Auto approving kubelet client certificate after SubjectAccessReview.",
            id="a new node's",
        ),
    ],
)
async def test_who_is_granted_it_is_approved(
    asker: str, granted: tuple[str, ...], asked: list[str], message: str
) -> None:
    bench = Reviewing(*granted)
    ask(bench, asker)
    await bench.run()
    assert (bench.asked, bench.approved) == (asked, [message])


async def test_the_review_is_about_who_asked() -> None:
    bench = Reviewing("nodeclient")
    ask(bench, "system:bootstrap:abcdef")
    await bench.run()
    _, _, body = bench.actions[0]
    assert body["spec"] == {
        "user": "system:bootstrap:abcdef",
        "uid": "",
        "groups": ["system:bootstrappers"],
        "extra": {"a": ["b"]},
        "resourceAttributes": {
            "group": "certificates.k8s.io",
            "resource": "certificatesigningrequests",
            "verb": "create",
            "subresource": "nodeclient",
        },
    }
    condition = bench.actions[1][2]["status"]["conditions"]
    assert [(c["type"], c["status"], c["reason"]) for c in condition] == [("Approved", "True", "AutoApproved")]


async def test_who_is_granted_it_later_is_approved_then() -> None:
    bench = Reviewing()
    ask(bench, "system:node:other")
    async with bench.running():
        for seconds in (1, 1, 2, 4):  # each look comes when the request is twice as old
            await bench.advance(seconds)
        assert (bench.approved, len(bench.asked)) == ([], 5)
        bench.reviewing.granted = frozenset({"nodeclient"})
        await bench.advance(8)
        assert len(bench.approved) == 1


@pytest.mark.parametrize(
    ("pem", "signer", "status"),
    [
        pytest.param(KUBELET, API_CLIENT, {}, id="of another signer"),
        pytest.param(request(named("jane", "system:nodes")), KUBELET_CLIENT, {}, id="for nobody's node"),
        pytest.param(
            KUBELET, KUBELET_CLIENT, {"conditions": [{"type": "Denied", "status": "True"}]}, id="denied by somebody"
        ),
        pytest.param(KUBELET, KUBELET_CLIENT, {"certificate": "YQ=="}, id="issued"),
    ],
)
async def test_what_is_left_alone(pem: bytes, signer: str, status: JSON) -> None:
    bench = Reviewing("nodeclient", "selfnodeclient")
    ask(bench, "system:node:n", pem, signer, **status)
    await bench.run()
    assert bench.actions == []
