"""Claims make users."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from knarr.apiserver.authn.oidc.configurations import JWTAuthenticator
from knarr.apiserver.authn.oidc.mappings import ClaimError, user_of
from knarr.apiserver.authn.users import AUTHENTICATED, User

JSON = dict[str, Any]
CLAIMS: JSON = {"sub": "u-1", "email": "jane@example.com", "roles": ["dev", "ops"], "tier": "gold", "jti": "t1"}
CREDENTIAL = {"authentication.kubernetes.io/credential-id": ("JTI=t1",)}


def made(claims: JSON, mappings: JSON, **rules: Any) -> User:
    return user_of({**CLAIMS, **claims}, msgspec.convert({"claimMappings": mappings, **rules}, JWTAuthenticator))


def test_claims_with_prefixes() -> None:
    mappings = {
        "username": {"claim": "email", "prefix": "oidc:"},
        "groups": {"claim": "roles", "prefix": "oidc:"},
        "uid": {"claim": "sub"},
    }
    groups = ("oidc:dev", "oidc:ops", AUTHENTICATED)
    assert made({}, mappings) == User("oidc:jane@example.com", "u-1", groups, CREDENTIAL)


def test_expressions() -> None:
    mappings = {
        "username": {"expression": "claims.sub + '@' + claims.tier"},
        "groups": {"expression": "claims.roles.map(r, 'team-' + r)"},
        "uid": {"expression": "claims.jti"},
        "extra": [
            {"key": "acme.io/tier", "valueExpression": "claims.tier"},
            {"key": "acme.io/none", "valueExpression": "''"},
            {"key": "acme.io/roles", "valueExpression": "claims.roles"},
        ],
    }
    extra = {"acme.io/tier": ("gold",), "acme.io/roles": ("dev", "ops"), **CREDENTIAL}
    assert made({}, mappings) == User("u-1@gold", "t1", ("team-dev", "team-ops", AUTHENTICATED), extra)


@pytest.mark.parametrize(
    ("claims", "mappings", "why"),
    [
        pytest.param({"sub": 5}, {"username": {"claim": "sub", "prefix": ""}}, "it is no string", id="a number"),
        pytest.param({"sub": ""}, {"username": {"claim": "sub", "prefix": "p:"}}, "the username is empty", id="empty"),
        pytest.param({}, {"username": {"claim": "name", "prefix": ""}}, "claim not present", id="absent"),
        pytest.param(
            {"email_verified": False},
            {"username": {"claim": "email", "prefix": ""}},
            "email not verified",
            id="not theirs",
        ),
        pytest.param(
            {"email_verified": "true"},
            {"username": {"claim": "email", "prefix": ""}},
            "email not verified",
            id="no truth",
        ),
        pytest.param({}, {"username": {"expression": "claims.nobody"}}, "no such key: nobody", id="absent key"),
        pytest.param({}, {"username": {"expression": "claims.roles"}}, "it is no string", id="a list"),
        pytest.param(
            {"roles": [1]},
            {"username": {"claim": "sub", "prefix": ""}, "groups": {"claim": "roles", "prefix": ""}},
            "neither a string nor a list of strings",
            id="groups of numbers",
        ),
    ],
)
def test_who_is_nobody(claims: JSON, mappings: JSON, why: str) -> None:
    with pytest.raises(ClaimError, match=why):
        made(claims, mappings)


SUB = {"username": {"claim": "sub", "prefix": ""}}


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (
            {"claimValidationRules": [{"claim": "hd", "requiredValue": "x"}]},
            "required claim hd not present in ID token",
        ),
        (
            {"claimValidationRules": [{"claim": "tier", "requiredValue": "iron"}]},
            "required claim tier value does not match. Got = gold, want = iron",
        ),
        (
            {"claimValidationRules": [{"expression": "'admin' in claims.roles", "message": "admins alone"}]},
            "validation expression ''admin' in claims.roles' failed: admins alone",
        ),
        (
            {"userValidationRules": [{"expression": "!user.username.startsWith('u-')", "message": "reserved"}]},
            "failed: reserved",
        ),
    ],
)
def test_rules_are_kept(rules: JSON, why: str) -> None:
    with pytest.raises(ClaimError, match=why):
        made({}, SUB, **rules)


def test_rules_that_are_met() -> None:
    rules = {
        "claimValidationRules": [{"claim": "tier", "requiredValue": "gold"}, {"expression": "claims.sub != ''"}],
        "userValidationRules": [{"expression": "user.groups.all(g, !g.startsWith('system:'))"}],
    }
    assert made({}, SUB, **rules).name == "u-1"
