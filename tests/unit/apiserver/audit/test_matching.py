"""Which rule of a policy a request falls under."""

from __future__ import annotations

import pytest

from knarr.apiserver.audit.levels import Decision, Level
from knarr.apiserver.audit.matching import Matcher
from knarr.apiserver.audit.policies import Policy, Resources, Rule
from knarr.apiserver.authn.users import User
from knarr.apiserver.info import parse

BOB = User("bob", groups=("devs", "system:authenticated"))
POD, LOG = "GET /api/v1/namespaces/shop/pods/web", "GET /api/v1/namespaces/shop/pods/web/log"
PODS, NODES = "GET /api/v1/namespaces/shop/pods", "GET /api/v1/nodes"
DEPLOYMENT = "PATCH /apis/apps/v1/namespaces/shop/deployments/web"


def of(*resources: str, group: str = "", names: tuple[str, ...] | None = None) -> Rule:
    return Rule(level="Metadata", resources=(Resources(group=group, resources=resources, resource_names=names),))


@pytest.mark.parametrize(
    ("rule", "line", "falls"),
    [
        pytest.param(Rule(level="Metadata"), POD, True, id="a rule without limits, a resource"),
        pytest.param(Rule(level="Metadata"), "GET /healthz", True, id="a rule without limits, a path"),
        pytest.param(Rule(level="Metadata", users=("alice", "bob")), POD, True, id="the user"),
        pytest.param(Rule(level="Metadata", users=("alice",)), POD, False, id="another user"),
        pytest.param(Rule(level="Metadata", user_groups=("ops", "devs")), POD, True, id="a group"),
        pytest.param(Rule(level="Metadata", user_groups=("ops",)), POD, False, id="another group"),
        pytest.param(Rule(level="Metadata", verbs=("get",)), POD, True, id="the verb"),
        pytest.param(Rule(level="Metadata", verbs=("get",)), PODS, False, id="list is not get"),
        pytest.param(Rule(level="Metadata", verbs=("watch",)), f"{PODS}?watch=1", True, id="watch"),
        pytest.param(Rule(level="Metadata", verbs=("get",)), "GET /healthz", True, id="a path's verb"),
        pytest.param(Rule(level="Metadata", namespaces=("shop",)), POD, True, id="the namespace"),
        pytest.param(Rule(level="Metadata", namespaces=("shop",)), NODES, False, id="no namespace"),
        pytest.param(Rule(level="Metadata", namespaces=("",)), NODES, True, id="none is wanted"),
        pytest.param(Rule(level="Metadata", namespaces=("shop",)), "GET /healthz", False, id="namespaces of a path"),
        pytest.param(of("pods"), POD, True, id="the resource"),
        pytest.param(of("pods"), LOG, False, id="a resource is not its subresources"),
        pytest.param(of("pods/log"), LOG, True, id="the subresource"),
        pytest.param(of("pods/*"), LOG, True, id="any subresource"),
        pytest.param(of("pods/*"), POD, True, id="any subresource, and the resource"),
        pytest.param(of("*/log"), LOG, True, id="the subresource of any"),
        pytest.param(of("*/log"), POD, False, id="the subresource of any, not the resource"),
        pytest.param(of("*"), LOG, True, id="everything"),
        pytest.param(of(), LOG, True, id="the whole group"),
        pytest.param(of(), DEPLOYMENT, False, id="another group"),
        pytest.param(of("deployments", group="apps"), DEPLOYMENT, True, id="the group"),
        pytest.param(of("pods", names=("web",)), POD, True, id="the name"),
        pytest.param(of("pods", names=("db",)), POD, False, id="another name"),
        pytest.param(of("pods", names=("web",)), PODS, False, id="no name"),
        pytest.param(of("*"), "GET /healthz", False, id="resources of a path"),
        pytest.param(Rule(level="Metadata", paths=("/healthz",)), "GET /healthz", True, id="the path"),
        pytest.param(Rule(level="Metadata", paths=("/healthz",)), "GET /healthz/etcd", False, id="a longer path"),
        pytest.param(Rule(level="Metadata", paths=("/healthz*",)), "GET /healthz/etcd", True, id="a path's beginning"),
        pytest.param(Rule(level="Metadata", paths=("*",)), "GET /version", True, id="any path"),
        pytest.param(Rule(level="Metadata", paths=("*",)), POD, False, id="paths of a resource"),
    ],
)
def test_a_rule_is_about(rule: Rule, line: str, falls: bool) -> None:
    method, _, url = line.partition(" ")
    info = parse(method, *url.partition("?")[::2])
    matcher = Matcher(Policy(rules=(rule,)))
    decided = [matcher.decide(BOB, info) for _ in range(2)]  # the second time it is remembered
    assert decided == [Decision(Level.METADATA if falls else Level.NONE)] * 2


def test_the_first_rule_decides() -> None:
    rules = (
        Rule(level="None", users=("alice",)),
        Rule(level="Request", verbs=("get",), omit_stages=("Panic",), omit_managed_fields=False),
        Rule(level="RequestResponse"),
    )
    matcher = Matcher(Policy(rules=rules, omit_stages=("RequestReceived",), omit_managed_fields=True))
    received = frozenset(("RequestReceived",))
    assert matcher.decide(BOB, parse("GET", "/version")) == Decision(Level.REQUEST, received | {"Panic"})
    assert matcher.decide(User("alice"), parse("GET", "/version")) == Decision(Level.NONE, received, True)
    assert matcher.decide(BOB, parse("POST", "/version")) == Decision(Level.REQUEST_RESPONSE, received, True)
