"""Seats among levels; hands of queues; who sorts where."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knarr.api.flows import AUTOUPDATE, LEVELS, SCHEMAS, mended
from knarr.apiserver.authn.users import ANONYMOUS, AUTHENTICATED, User
from knarr.apiserver.flowcontrol.configuration import read_level, read_schema
from knarr.apiserver.flowcontrol.seats import Bounds, Claim, bounds_of, claim_of, divide, smoothed
from knarr.apiserver.flowcontrol.sharding import hand_of, hash_of
from knarr.apiserver.flowcontrol.sorting import distinguisher, in_order, matches
from knarr.apiserver.info import parse


def test_the_bounds_of_the_default_levels() -> None:
    found = bounds_of(map(read_level, LEVELS), 600)
    assert found["workload-low"] == Bounds(245, 25, 600)
    assert found["catch-all"] == Bounds(13, 13, 600)
    assert found["exempt"] == Bounds(0, 0, 600)


def test_who_needs_nothing_lends() -> None:
    busy = claim_of(Bounds(100, 50, 300), 280, 280.0)
    idle = claim_of(Bounds(200, 20, 300), 0, 10.0)
    assert [round(seats) for seats in divide([busy, idle], 300)] == [280, 20]


def test_who_lent_gets_back_what_he_needs() -> None:
    greedy = claim_of(Bounds(100, 50, 300), 500, 500.0)
    back = claim_of(Bounds(200, 20, 300), 200, 200.0)
    assert [round(seats) for seats in divide([greedy, back], 300)] == [100, 200]


def test_a_demand_that_falls_is_forgotten_slowly() -> None:
    assert smoothed(100, 200) == 200
    assert 97 < smoothed(100, 0) < 98


CLAIMS = st.lists(
    st.tuples(st.integers(1, 100), st.integers(1, 1000), st.integers(0, 500)).map(
        lambda t: Claim(t[0], t[1], t[0] + t[2])
    ),
    min_size=1,
    max_size=8,
)


@given(CLAIMS, st.integers(1, 2000))
def test_seats_are_divided_within_the_bounds(claims: list[Claim], total: int) -> None:
    found = divide(claims, total)
    assert all(c.least - 1e-6 <= seats <= c.most + 1e-6 for c, seats in zip(claims, found, strict=True))
    least, most = sum(c.least for c in claims), sum(c.most for c in claims)
    assert abs(sum(found) - max(least, min(most, total))) < 1e-3


def test_hands_are_of_different_queues_and_all_alike() -> None:
    hands = [hand_of(hash_of("schema", str(n)), 16, 4) for n in range(2000)]
    assert all(len(set(hand)) == 4 and set(hand) <= set(range(16)) for hand in hands)
    dealt = Counter(card for hand in hands for card in hand)
    assert max(dealt.values()) - min(dealt.values()) < 150
    assert hand_of(5, 2, 8) == hand_of(5, 2, 2)


KCM = User("system:kube-controller-manager", groups=(AUTHENTICATED,))
NODE = User("system:node:n", groups=("system:nodes", AUTHENTICATED))
ACCOUNT = User("system:serviceaccount:app:bot", groups=("system:serviceaccounts", AUTHENTICATED))
SYSTEM = User("system:serviceaccount:kube-system:bot", groups=("system:serviceaccounts", AUTHENTICATED))
ADMIN = User("admin", groups=("system:masters", AUTHENTICATED))
JANE = User("jane", groups=(AUTHENTICATED,))
PODS, LEASE = "/api/v1/namespaces/app/pods", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/a"


@pytest.mark.parametrize(
    ("user", "method", "path", "expected"),
    [
        pytest.param(ADMIN, "GET", PODS, ("exempt", ""), id="the admin"),
        pytest.param(JANE, "GET", PODS, ("global-default", "jane"), id="somebody"),
        pytest.param(ANONYMOUS, "GET", "/readyz", ("probes", ""), id="a probe"),
        pytest.param(ANONYMOUS, "GET", "/readyz/etcd", ("global-default", ANONYMOUS.name), id="something like a probe"),
        pytest.param(ACCOUNT, "GET", PODS, ("service-accounts", ACCOUNT.name), id="a service account"),
        pytest.param(SYSTEM, "GET", PODS, ("kube-system-service-accounts", "app"), id="one of the system's"),
        pytest.param(SYSTEM, "PUT", LEASE, ("workload-leader-election", SYSTEM.name), id="its lease"),
        pytest.param(KCM, "PUT", LEASE, ("system-leader-election", KCM.name), id="the controllers' lease"),
        pytest.param(KCM, "POST", PODS, ("kube-controller-manager", "app"), id="the controllers"),
        pytest.param(NODE, "PUT", LEASE, ("system-node-high", NODE.name), id="a heartbeat"),
        pytest.param(NODE, "PATCH", "/api/v1/nodes/n/status", ("system-node-high", NODE.name), id="a node's status"),
        pytest.param(NODE, "GET", PODS, ("system-nodes", NODE.name), id="a node"),
    ],
)
def test_who_sorts_where(user: User, method: str, path: str, expected: tuple[str, str]) -> None:
    info = parse(method, path, "")
    schema = next(s for s in in_order(map(read_schema, SCHEMAS)) if matches(s, user, info))
    assert (schema.name, distinguisher(schema, user, info)) == expected


def tree(name: str, said: str | None = None, generation: int = 1, shares: int = 30) -> dict[str, object]:
    annotations = {} if said is None else {AUTOUPDATE: said}
    metadata = {"name": name, "generation": generation, "annotations": annotations}
    return {"metadata": metadata, "spec": {"shares": shares}}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(tree("system", "true", 3, 99), tree("system", "true", 4), id="kept"),
        pytest.param(tree("system", "false", 3, 99), tree("system", "false", 3, 99), id="somebody's own"),
        pytest.param(tree("system", None, 1, 99), tree("system", "true", 2), id="of an older release"),
        pytest.param(tree("system", None, 2, 99), tree("system", "false", 2, 99), id="changed, without a word"),
        pytest.param(tree("catch-all", "false", 2, 99), tree("catch-all", "true", 3), id="mandatory"),
        pytest.param(tree("system", "true", 3), tree("system", "true", 3), id="as it should be"),
    ],
)
def test_how_defaults_are_kept(found: dict[str, object], expected: dict[str, object]) -> None:
    wanted = tree(str(found["metadata"]["name"]), "true")  # type: ignore[index]
    assert mended(found, wanted) == expected


def test_the_numbers_of_the_exempt_level_are_the_administrators() -> None:
    spec = {**LEVELS[0]["spec"], "exempt": {"nominalConcurrencyShares": 7, "lendablePercent": 0}}
    assert mended({**LEVELS[0], "spec": spec}, LEVELS[0]) == {**LEVELS[0], "spec": spec}
