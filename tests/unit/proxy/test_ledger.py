"""Claims of several owners."""

from __future__ import annotations

from knarr.proxy.ledger import Ledger
from knarr.proxy.ruleset import Change, Place, Things

X, Y = Place("service-ports", "x"), Place("service-ports", "y")


def things(value: str, *places: Place) -> Things:
    return dict.fromkeys(places, value)


NOTHING = Change({}, {})


def test_what_is_claimed_is_put_once_and_removed_with_its_owner() -> None:
    ledger = Ledger()
    ledger.state("a", {"claim": things("1", X)})
    assert ledger.changes() == Change({}, {X: "1"})
    ledger.state("a", {"claim": things("1", X)})
    assert ledger.changes() == NOTHING
    ledger.state("a", {})
    assert ledger.changes() == Change({X: "1"}, {})
    assert ledger.everything() == {}


def test_only_what_differs_changes() -> None:
    ledger = Ledger()
    ledger.state("a", {"claim": {X: "1", Y: "1"}})
    ledger.changes()
    ledger.state("a", {"claim": {X: "1", Y: "2"}})
    assert ledger.changes() == Change({Y: "1"}, {Y: "2"})
    assert ledger.everything() == {X: "1", Y: "2"}


def test_what_comes_and_goes_between_two_looks_is_not_seen() -> None:
    ledger = Ledger()
    ledger.state("a", {"claim": things("1", X)})
    ledger.state("a", {})
    assert ledger.changes() == NOTHING


def test_a_shared_claim_stays_until_its_last_owner_goes() -> None:
    ledger = Ledger()
    for owner in "ab":
        ledger.state(owner, {"shared": things("1", X)})
    assert ledger.changes() == Change({}, {X: "1"})
    ledger.state("a", {})
    assert ledger.changes() == NOTHING
    ledger.state("b", {})
    assert ledger.changes() == Change({X: "1"}, {})


def test_a_contested_claim_is_the_first_owners_until_he_lets_go() -> None:
    ledger = Ledger()
    ledger.state("first", {"external IP": things("first", X)})
    ledger.state("second", {"external IP": things("second", X, Y)})
    assert ledger.changes() == Change({}, {X: "first"})
    ledger.state("first", {"external IP": things("first again", X)})
    assert ledger.changes() == Change({X: "first"}, {X: "first again"})
    ledger.state("first", {})
    assert ledger.changes() == Change({X: "first again"}, {X: "second", Y: "second"})
