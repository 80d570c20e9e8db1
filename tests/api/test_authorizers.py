"""Authorizers as they are configured: a webhook over real TLS, its failures, its conditions, and files that change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from knarr.apiserver import reloading
from knarr.apiserver.authz.configuration import Webhook, by_modes, read_configuration
from knarr.wire.messages import Response
from tests.api.access import NS, Somebody, bind, role
from tests.api.authorizers import Configuration, says
from tests.api.certificates import Authority
from tests.api.front import Running, running
from tests.api.webhooks import Hook, hook, kubeconfig

JSON = dict[str, Any]
REVIEWS = "/apis/authorization.k8s.io/v1"
PLANETS = "authorizer.group('').resource('planets')"
MAPS, SECRETS = f"{NS}/configmaps", f"{NS}/secrets"


def broken(review: JSON) -> Response:
    return Response(403, {"content-type": "text/plain"}, b"go away")


@pytest.fixture
async def webhook(tmp_path: Path) -> AsyncIterator[Hook]:
    async with hook(Authority(tmp_path, "hooks"), says(allowed=True, reason="so be it")) as found:
        yield found


@pytest.fixture
def asked(webhook: Hook, tmp_path: Path) -> Webhook:
    return Webhook(kubeconfig(webhook, tmp_path / "webhook"), "v1")


@asynccontextmanager
async def judged(tmp_path: Path, webhook: Webhook, *modes: str) -> AsyncIterator[Running]:
    """A front whose decisions are the webhook's, and the other modes'."""
    async with running(tmp_path, authorization=by_modes(modes, webhook=webhook)) as front:
        yield front


async def test_who_is_allowed_by_the_webhook(tmp_path: Path, webhook: Hook, asked: Webhook) -> None:
    async with judged(tmp_path, asked, "Webhook", "RBAC") as front:
        bob = Somebody(front, "bob", "developers")
        assert await bob.send(f"GET {MAPS}?labelSelector=app%3Dweb") == (200, "")
        assert await bob.send(f"GET {MAPS}?labelSelector=app%3Dweb") == (200, "")
    assert webhook.reviews == [
        {
            "kind": "SubjectAccessReview",
            "apiVersion": "authorization.k8s.io/v1",
            "spec": {
                "user": "bob",
                "groups": ["developers", "system:authenticated"],
                "resourceAttributes": {
                    "namespace": "default",
                    "verb": "list",
                    "version": "v1",
                    "resource": "configmaps",
                    "labelSelector": {"requirements": [{"key": "app", "operator": "In", "values": ["web"]}]},
                },
            },
        }
    ], "asked once, since the answer is remembered"


async def test_who_is_denied_is_not_helped_by_roles(tmp_path: Path, webhook: Hook, asked: Webhook) -> None:
    webhook.reply = says(denied=True, reason="never")
    async with judged(tmp_path, asked, "Webhook", "RBAC") as front:
        await role(front, "reader", "get list: configmaps")
        await bind(front, "ClusterRole", "reader", "User:bob")
        assert await Somebody(front, "bob").send(f"GET {MAPS}") == (
            403,
            'configmaps is forbidden: User "bob" cannot list resource "configmaps" in API group "" in the namespace '
            '"default": never',
        )
        assert "denied" in await figures(front, "authorization_attempts_total")


async def test_who_the_webhook_does_not_know_may_have_roles(tmp_path: Path, webhook: Hook, asked: Webhook) -> None:
    webhook.reply = says(allowed=False, reason="who is that?")
    async with judged(tmp_path, asked, "Webhook", "RBAC") as front:
        await role(front, "reader", "get list: configmaps")
        await bind(front, "ClusterRole", "reader", "User:bob")
        bob = Somebody(front, "bob")
        assert await bob.send(f"GET {MAPS}") == (200, "")
        status, why = await bob.send(f"GET {SECRETS}")
        assert status == 403
        assert why.endswith('in the namespace "default": who is that?')


async def test_masters_are_nobodys_business(tmp_path: Path, webhook: Hook, asked: Webhook) -> None:
    webhook.reply = says(denied=True)
    async with judged(tmp_path, asked, "Webhook") as front:
        assert await Somebody(front, "root", "system:masters").send(f"GET {SECRETS}") == (200, "")
    assert webhook.asked == []


@pytest.mark.parametrize("denies", [pytest.param(True, id="Deny"), pytest.param(False, id="NoOpinion")])
async def test_a_webhook_that_fails(tmp_path: Path, webhook: Hook, asked: Webhook, denies: bool) -> None:
    webhook.reply = broken
    failing = Webhook(asked.file, "v1", denies_when_it_fails=denies)
    async with judged(tmp_path, failing, "Webhook", "RBAC") as front:
        await role(front, "reader", "get list: configmaps")
        await bind(front, "ClusterRole", "reader", "User:bob")
        bob = Somebody(front, "bob")
        answer = await bob.ask(f"GET {SECRETS}?limit=1")
        why = f'Internal Server Error: "{SECRETS}?limit=1": go away\n'
        assert (answer.status, answer.body.decode()) == (500, why)
        assert (await bob.ask(f"GET {MAPS}")).status == (500 if denies else 200)
        failed_open = await figures(front, "apiserver_authorization_webhook_evaluations_fail_open_total")
        assert failed_open == ("" if denies else '{name="default",result="error"} 2')


async def test_a_review_tells_of_the_failure(tmp_path: Path, webhook: Hook, asked: Webhook) -> None:
    webhook.reply = broken
    async with judged(tmp_path, asked, "Webhook") as front:
        spec = {"user": "bob", "resourceAttributes": {"verb": "get", "resource": "pods"}}
        found = await front.post(f"{REVIEWS}/subjectaccessreviews", {"spec": spec})
        assert found["status"] == {"allowed": False, "evaluationError": "go away"}


async def test_an_answer_that_comes_too_late(tmp_path: Path, webhook: Hook, asked: Webhook) -> None:
    release = asyncio.Event()

    async def late(review: JSON) -> JSON:
        await release.wait()
        return says(allowed=True)(review)

    webhook.reply = late
    async with judged(tmp_path, Webhook(asked.file, "v1", seconds=0.1), "Webhook") as front:
        answer = await Somebody(front, "bob").ask(f"GET {SECRETS}")
        assert answer.status == 500
        assert b"context deadline exceeded" in answer.body
        assert 'result="timeout"} 1' in await figures(front, "apiserver_authorization_webhook_evaluations_total")
        release.set()


async def test_conditions_say_what_the_webhook_is_asked(tmp_path: Path, webhook: Hook, asked: Webhook) -> None:
    conditions = ("has(request.resourceAttributes)", "request.resourceAttributes.namespace == 'default'")
    async with judged(tmp_path, Webhook(asked.file, "v1", conditions=conditions), "Webhook") as front:
        bob = Somebody(front, "bob")
        assert await bob.send(f"GET {MAPS}") == (200, "")
        assert (await bob.send("GET /api/v1/namespaces/kube-system/configmaps"))[0] == 403
        assert (await bob.send("GET /healthz/etcd"))[0] == 403
        assert len(webhook.asked) == 1
        excluded = await figures(front, "apiserver_authorization_match_condition_exclusions_total")
        assert excluded == '{name="default",type="Webhook"} 2'


async def test_conditions_that_cannot_be_evaluated(tmp_path: Path, webhook: Hook, asked: Webhook) -> None:
    conditions = ("request.resourceAttributes.namespace == 'default'",)
    failing = Webhook(asked.file, "v1", conditions=conditions, denies_when_it_fails=True)
    async with judged(tmp_path, failing, "Webhook") as front:
        answer = await Somebody(front, "bob").ask("GET /healthz/etcd")
        assert answer.status == 500
        assert answer.body.decode().startswith(
            f"Internal Server Error: \"/healthz/etcd\": cel evaluation error: expression '{conditions[0]}' resulted in "
        )
    assert webhook.asked == []


async def test_rules_cannot_be_listed_of_a_webhook(tmp_path: Path, asked: Webhook) -> None:
    async with judged(tmp_path, asked, "Webhook", "RBAC") as front:
        body = {"spec": {"namespace": "default"}}
        answer = await Somebody(front, "bob").ask(f"POST {REVIEWS}/selfsubjectrulesreviews", body)
        status = json.loads(answer.body)["status"]
        assert status["incomplete"] is True
        assert status["evaluationError"] == "webhook authorizer does not support user rule resolution"
        assert any("selfsubjectreviews" in rule["resources"] for rule in status["resourceRules"])


async def test_policies_ask_the_webhook_too(tmp_path: Path, webhook: Hook, asked: Webhook) -> None:
    """An expression cannot wait: it is evaluated anew when the answer is there."""
    webhook.reply = lambda review: says(allowed=review["spec"].get("resourceAttributes", {}).get("verb") != "conquer")(
        review
    )
    policy = {
        "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
                ]
            },
            "validations": [
                {"expression": f"{PLANETS}.labelSelector('warm').check('visit').allowed()"},
                {"expression": f"!{PLANETS}.check('conquer').allowed()"},
                {"expression": f"{PLANETS}.check('conquer').allowed()", "message": "no"},
            ],
        },
    }
    admission = "/apis/admissionregistration.k8s.io/v1"
    async with judged(tmp_path, asked, "Webhook") as front:
        await front.post(f"{admission}/validatingadmissionpolicies", policy)
        spec = {"policyName": "p", "validationActions": ["Deny"]}
        await front.post(f"{admission}/validatingadmissionpolicybindings", {"metadata": {"name": "p"}, "spec": spec})
        status, why = await Somebody(front, "bob").send(f"POST {MAPS}", {"metadata": {"name": "a"}})
        assert (status, why.endswith("denied request: no")) == (422, True)
        verbs = [review["spec"]["resourceAttributes"]["verb"] for review in webhook.reviews]
        assert verbs == ["create", "visit", "conquer"]
        warm = {"requirements": [{"key": "warm", "operator": "Exists"}]}
        assert webhook.reviews[1]["spec"]["resourceAttributes"]["labelSelector"] == warm


async def figures(front: Running, name: str) -> str:
    """The samples of a metric, without its name."""
    text = (await Somebody(front, "root", "system:masters").ask("GET /metrics")).body.decode()
    return "\n".join(line.removeprefix(name) for line in text.splitlines() if line.startswith(f"{name}{{"))


@pytest.fixture
def attentive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked at with every request."""
    monkeypatch.setattr(reloading, "_LOOK", 0.0)


@pytest.fixture
def file(tmp_path: Path, webhook: Hook) -> Configuration:
    return Configuration(tmp_path / "authz.yaml", webhook)


@pytest.mark.usefixtures("attentive")
async def test_a_file_that_changes(tmp_path: Path, webhook: Hook, file: Configuration) -> None:
    file.write("Node", "RBAC")
    async with running(tmp_path, authorization=read_configuration(file.path)) as front:
        bob = Somebody(front, "bob")
        assert (await bob.send(f"GET {MAPS}"))[0] == 403
        file.write(file.ask("first", "/first"), "Node", "RBAC")
        assert (await bob.send(f"GET {MAPS}"))[0] == 200
        file.write("Node", "RBAC", file.ask("second", "/second"))
        assert (await bob.send(f"GET {MAPS}"))[0] == 200
        assert [request.path for request in webhook.asked] == ["/first", "/second"]
        decisions = await figures(front, "apiserver_authorization_decisions_total")
        assert '{decision="allowed",name="first",type="Webhook"} 1' in decisions
        reloads = await figures(front, "apiserver_authorization_config_controller_automatic_reloads_total")
        assert reloads.endswith('status="success"} 2')


@pytest.mark.usefixtures("attentive")
@pytest.mark.parametrize(
    "authorizers",
    [
        pytest.param([], id="nobody"),
        pytest.param(["Node"], id="roles go"),
        pytest.param(["Node", "RBAC", "AlwaysAllow"], id="somebody comes"),
        pytest.param(["Node", "RBAC", "Nonsense"], id="nonsense"),
    ],
)
async def test_a_change_that_cannot_be(tmp_path: Path, file: Configuration, authorizers: list[str]) -> None:
    file.write("Node", "RBAC")
    async with running(tmp_path, authorization=read_configuration(file.path)) as front:
        before = await figures(front, "apiserver_authorization_config_controller_last_config_info")
        file.write(*authorizers)
        assert (await Somebody(front, "bob").send(f"GET {MAPS}"))[0] == 403
        reloads = await figures(front, "apiserver_authorization_config_controller_automatic_reloads_total")
        assert reloads.endswith('status="failure"} 1')
        assert await figures(front, "apiserver_authorization_config_controller_last_config_info") == before


@pytest.mark.parametrize(
    ("mode", "status", "why"),
    [
        pytest.param("AlwaysAllow", 200, "", id="AlwaysAllow"),
        pytest.param("AlwaysDeny", 403, "Everything is forbidden.", id="AlwaysDeny"),
    ],
)
async def test_who_does_not_look(tmp_path: Path, mode: str, status: int, why: str) -> None:
    async with running(tmp_path, authorization=by_modes((mode,))) as front:
        found, said = await Somebody(front, "bob").send(f"GET {SECRETS}")
        assert (found, said.endswith(why)) == (status, True)


async def test_policies_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "policies"
    file.write_text('{"user": "bob", "namespace": "default", "resource": "configmaps"}\n')
    async with running(tmp_path, authorization=by_modes(("ABAC",), file)) as front:
        bob = Somebody(front, "bob")
        assert await bob.send(f"GET {MAPS}") == (200, "")
        status, why = await bob.send(f"GET {SECRETS}")
        assert (status, why.endswith("No policy matched.")) == (403, True)
