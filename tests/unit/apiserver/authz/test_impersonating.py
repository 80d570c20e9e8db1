"""Who may act as whom, asked of an authorizer that knows a few sentences."""

from __future__ import annotations

import pytest

from knarr.apiserver.authn.users import NODE_NAME, User, service_account
from knarr.apiserver.authz.authorizer import ALLOWED, NO_OPINION, Decision, Local
from knarr.apiserver.authz.impersonating import Impersonated, Impersonation
from knarr.apiserver.info import RequestInfo, parse
from knarr.apiserver.metrics import Metrics
from knarr.apiserver.metrics.impersonation import ATTEMPTS, QUESTIONS, ImpersonationFigures
from knarr.machinery.clock import VirtualClock
from knarr.machinery.errors import Forbidden

AUTHN = "authentication.k8s.io"
LIST = parse("GET", "/api/v1/namespaces/default/pods")
AGENT = service_account("kube-system", "agent", "1", {NODE_NAME: ("n1",), "other": ("x",)})
BOB = User("bob")
AS_BOB = f"impersonate:user-info users.{AUTHN} bob"
ON_USER, ON_NODE = "impersonate-on:user-info:list pods", "impersonate-on:associated-node:list pods"
ON_ACCOUNT = "impersonate-on:serviceaccount:list pods"


class Sentences(Local):
    """Allows what is said: `verb resource/subresource.group name in namespace`, or less of it."""

    def __init__(self, *allowed: str) -> None:
        self._allowed = allowed
        self.asked: list[tuple[User, str]] = []

    def at_once(self, user: User, info: RequestInfo) -> Decision:
        resource = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
        words = f"{info.verb} {resource}{'.' if info.group else ''}{info.group} {info.name} in {info.namespace}"
        self.asked.append((user, words))
        return ALLOWED if any(words.startswith(sentence) for sentence in self._allowed) else NO_OPINION


def impersonation(authorizer: Sentences, metrics: Metrics | None = None) -> Impersonation:
    return Impersonation(authorizer, ImpersonationFigures(metrics or Metrics(), VirtualClock()))


@pytest.mark.parametrize(
    ("allowed", "wanted", "found"),
    [
        pytest.param(
            ["impersonate users bob"],
            BOB,
            Impersonated(User("bob", groups=("system:authenticated",))),
            id="the old way",
        ),
        pytest.param(
            ["impersonate users"],
            User("system:anonymous"),
            Impersonated(User("system:anonymous", groups=("system:unauthenticated",))),
            id="nobody",
        ),
        pytest.param(
            ["impersonate users", "impersonate groups"],
            User("bob", groups=("system:unauthenticated",)),
            Impersonated(User("bob", groups=("system:unauthenticated",))),
            id="somebody unauthenticated",
        ),
        pytest.param(
            ["impersonate serviceaccounts robot in shop"],
            User("system:serviceaccount:shop:robot"),
            Impersonated(service_account("shop", "robot")),
            id="a service account",
        ),
        pytest.param(
            ["impersonate users"],
            User("system:serviceaccount:shop:a:b"),
            Impersonated(User("system:serviceaccount:shop:a:b", groups=("system:authenticated",))),
            id="a name that is no service account's",
        ),
        pytest.param(
            ["impersonate users"],
            User("system:node:n1"),
            Impersonated(User("system:node:n1", groups=("system:authenticated",))),
            id="a node the old way is just a user",
        ),
        pytest.param(
            [ON_USER, AS_BOB],
            BOB,
            Impersonated(User("bob", groups=("system:authenticated",)), "impersonate:user-info"),
            id="constrained",
        ),
        pytest.param(
            [ON_USER, AS_BOB, f"impersonate:user-info groups.{AUTHN} *"],
            User("bob", groups=("a", "b", "c", "d")),
            Impersonated(User("bob", groups=("a", "b", "c", "d", "system:authenticated")), "impersonate:user-info"),
            id="constrained, many groups by the right to all",
        ),
        pytest.param(
            [ON_USER, AS_BOB, f"impersonate:user-info userextras/a.io/b.{AUTHN} c"],
            User("bob", extra={"a.io/b": ("c",)}),
            Impersonated(
                User("bob", groups=("system:authenticated",), extra={"a.io/b": ("c",)}), "impersonate:user-info"
            ),
            id="constrained, with extra",
        ),
        pytest.param(
            [ON_ACCOUNT, f"impersonate:serviceaccount serviceaccounts.{AUTHN} robot in shop"],
            User("system:serviceaccount:shop:robot"),
            Impersonated(service_account("shop", "robot"), "impersonate:serviceaccount"),
            id="constrained, a service account",
        ),
        pytest.param(
            [ON_NODE, f"impersonate:associated-node nodes.{AUTHN} *"],
            User("system:node:n1"),
            Impersonated(
                User("system:node:n1", groups=("system:nodes", "system:authenticated")), "impersonate:associated-node"
            ),
            id="constrained, one's own node",
        ),
        pytest.param(
            ["impersonate-on:arbitrary-node:list pods", f"impersonate:arbitrary-node nodes.{AUTHN} n2"],
            User("system:node:n2"),
            Impersonated(
                User("system:node:n2", groups=("system:nodes", "system:authenticated")), "impersonate:arbitrary-node"
            ),
            id="constrained, some node",
        ),
    ],
)
async def test_who_may(allowed: list[str], wanted: User, found: Impersonated) -> None:
    assert await impersonation(Sentences(*allowed)).act(AGENT, wanted, LIST) == found


@pytest.mark.parametrize(
    ("allowed", "wanted", "said"),
    [
        pytest.param([], BOB, 'impersonate-on:user-info:list resource "pods"', id="nothing at all"),
        pytest.param([ON_USER], BOB, 'impersonate:user-info resource "users"', id="to do, but not to be"),
        pytest.param([AS_BOB], BOB, 'impersonate-on:user-info:list resource "pods"', id="to be, but not to do"),
        pytest.param(
            ["impersonate users"],
            User("system:serviceaccount:shop:robot"),
            'impersonate-on:serviceaccount:list resource "pods"',
            id="users are no service accounts",
        ),
        pytest.param(
            [ON_USER, "impersonate:user-info"],
            User("bob", groups=("system:masters",)),
            "impersonating the system:masters group is not allowed",
            id="masters, constrained",
        ),
        pytest.param(
            [ON_USER, "impersonate:user-info"],
            User("bob", groups=("",)),
            "impersonating the empty string group is not allowed",
            id="a group without a name, constrained",
        ),
        pytest.param(
            [ON_USER, "impersonate:user-info"],
            User("bob", extra={"scopes": ("x",)}),
            "impersonating an invalid key in extra is not allowed: extra.key: Invalid value",
            id="a key of extra that is none, constrained",
        ),
        pytest.param(
            [ON_USER, "impersonate:user-info"],
            User("bob", extra={"a.io/B": ("x",)}),
            'impersonating a non-lowercase key in extra is not allowed: "a.io/B"',
            id="a key of extra that is not in lower case, constrained",
        ),
        pytest.param(
            [ON_NODE, "impersonate:associated-node"],
            User("system:node:n2"),
            'impersonate-on:arbitrary-node:list resource "pods"',
            id="another node",
        ),
        pytest.param(
            [ON_NODE, "impersonate:associated-node"],
            User("system:node:n1", uid="1"),
            'impersonate resource "users"',
            id="one's own node, with more than a name",
        ),
    ],
)
async def test_who_may_not(allowed: list[str], wanted: User, said: str) -> None:
    with pytest.raises(Forbidden) as refused:
        await impersonation(Sentences(*allowed)).act(AGENT, wanted, LIST)
    assert said in refused.value.message


async def test_which_node_it_is_concerns_nobody_who_decides_of_associated_nodes() -> None:
    authorizer = Sentences("impersonate-on:associated", "impersonate:associated")
    await impersonation(authorizer).act(AGENT, User("system:node:n1"), LIST)
    keys = {"authentication.kubernetes.io/associated-node-keys": (NODE_NAME, "other")}
    assert [user.extra for user, _ in authorizer.asked] == [keys, keys]


async def test_the_way_that_went_well_last_is_tried_first() -> None:
    authorizer = Sentences("impersonate users")
    acting = impersonation(authorizer)
    for asked in (2, 3):
        await acting.act(AGENT, BOB, LIST)
        assert len(authorizer.asked) == asked


async def test_attempts_and_what_was_asked_for_them_are_counted() -> None:
    metrics = Metrics()
    acting = impersonation(Sentences("impersonate users bob"), metrics)
    await acting.act(AGENT, BOB, LIST)
    with pytest.raises(Forbidden):
        await acting.act(AGENT, User("root"), LIST)
    attempts, questions = ATTEMPTS[0], QUESTIONS[0]
    assert [metrics.count(attempts, labels).n for labels in (("legacy", "allowed"), ("", "denied"))] == [1, 1]
    asked = (("user-info", "denied"), ("legacy", "allowed"), ("legacy", "denied"))
    assert [metrics.count(questions, labels).n for labels in asked] == [2, 1, 1]
