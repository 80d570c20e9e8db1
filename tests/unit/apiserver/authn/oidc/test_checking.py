"""What is wrong with an AuthenticationConfiguration, as upstream says it."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.apiserver.authn.oidc.checking import problems
from knarr.apiserver.authn.oidc.configurations import decoded
from knarr.apiserver.configfiles import ConfigFileError
from knarr.machinery import yamls

JSON = dict[str, Any]
GOOD: JSON = {
    "issuer": {"url": "https://issuer.example", "audiences": ["knarr"]},
    "claimMappings": {"username": {"claim": "sub", "prefix": ""}},
}


def said(**more: Any) -> list[str]:
    return said_of([{**GOOD, **more}])


def said_of(jwt: list[JSON], **more: Any) -> list[str]:
    tree = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": jwt, **more}
    return [str(error) for error in problems(decoded(yamls.dump(tree).encode()), ["https://ours"])]


def issuer(**more: Any) -> JSON:
    return {"issuer": {**GOOD["issuer"], **more}}


def username(**mapping: Any) -> JSON:
    return {"claimMappings": {"username": mapping}}


def mapped(**more: Any) -> JSON:
    return {"claimMappings": {**GOOD["claimMappings"], **more}}


BOTH = "claim and expression can't both be set"
EMAIL = (
    'jwt[0].claimMappings.username.expression: Invalid value: "claims.email": claims.email_verified must be used in '
    "claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression "
    "when claims.email is used in claimMappings.username.expression"
)


def test_a_good_one() -> None:
    assert said() == []
    assert said_of([]) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(issuer(url=""), "jwt[0].issuer.url: Required value", id="no URL"),
        pytest.param(
            issuer(url="http://a?b#c"),
            'jwt[0].issuer.url: Invalid value: "http://a?b#c": URL scheme must be https|'
            'jwt[0].issuer.url: Invalid value: "http://a?b#c": URL must not contain a query|'
            'jwt[0].issuer.url: Invalid value: "http://a?b#c": URL must not contain a fragment',
            id="much of a URL",
        ),
        pytest.param(
            issuer(url="https://me:you@a"),
            'jwt[0].issuer.url: Invalid value: "https://me:you@a": URL must not contain a username or password',
            id="a password",
        ),
        pytest.param(
            issuer(url="https://ours"),
            'jwt[0].issuer.url: Invalid value: "https://ours": '
            "URL must not overlap with disallowed issuers: [https://ours]",
            id="our own",
        ),
        pytest.param(
            issuer(discoveryURL="https://issuer.example/"),
            'jwt[0].issuer.discoveryURL: Invalid value: "https://issuer.example/": '
            "discoveryURL must be different from URL",
            id="the same URL again",
        ),
        pytest.param(
            issuer(audiences=[]),
            "jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required",
            id="for nobody",
        ),
        pytest.param(
            issuer(audiences=["a", "a"], audienceMatchPolicy="MatchAny"),
            'jwt[0].issuer.audiences[1]: Duplicate value: "a"',
            id="twice for the same",
        ),
        pytest.param(
            issuer(audiences=["a", "b"]),
            'jwt[0].issuer.audienceMatchPolicy: Invalid value: "": '
            "audienceMatchPolicy must be MatchAny for multiple audiences",
            id="no policy",
        ),
        pytest.param(
            issuer(audienceMatchPolicy="MatchAll"),
            'jwt[0].issuer.audienceMatchPolicy: Invalid value: "MatchAll": '
            "audienceMatchPolicy must be empty or MatchAny for single audience",
            id="no such policy",
        ),
        pytest.param(
            issuer(certificateAuthority="nobody"),
            'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": '
            "data does not contain any valid RSA or ECDSA certificates",
            id="no authority",
        ),
        pytest.param(
            issuer(egressSelectorType="etcd"),
            'jwt[0].issuer.egressSelectorType: Invalid value: "etcd": '
            "egress selector must be either controlplane or cluster",
            id="no such way out",
        ),
        pytest.param(
            username(), "jwt[0].claimMappings.username: Required value: claim or expression is required", id="nobody"
        ),
        pytest.param(
            username(claim="sub", expression="claims.sub"),
            f'jwt[0].claimMappings.username: Invalid value: "": {BOTH}',
            id="two names",
        ),
        pytest.param(
            username(claim="sub"),
            "jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. "
            "It can be set to an empty string to disable prefixing",
            id="no prefix",
        ),
        pytest.param(
            username(expression="claims.sub", prefix="a"),
            'jwt[0].claimMappings.username.prefix: Invalid value: "a": may not be specified when expression is set',
            id="a prefix of an expression",
        ),
        pytest.param(username(expression="claims.email"), EMAIL, id="an address that may be anybody's"),
        pytest.param(
            mapped(uid={"claim": "a", "expression": "claims.a"}),
            f'jwt[0].claimMappings.uid: Invalid value: "": {BOTH}',
            id="two uids",
        ),
        pytest.param(
            mapped(extra=[{"key": "foo", "valueExpression": "claims.a"}]),
            'jwt[0].claimMappings.extra[0].key: Invalid value: "foo": '
            'must be a domain-prefixed path (such as "acme.io/foo")',
            id="a key of no domain",
        ),
        pytest.param(
            mapped(extra=[{"key": "a.k8s.io/foo", "valueExpression": "claims.a"}]),
            'jwt[0].claimMappings.extra[0].key: Invalid value: "a.k8s.io/foo": '
            "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use",
            id="a reserved key",
        ),
        pytest.param(
            mapped(extra=[{"key": "acme.io/Foo", "valueExpression": ""}]),
            'jwt[0].claimMappings.extra[0].key: Invalid value: "acme.io/Foo": must be lowercase|'
            "jwt[0].claimMappings.extra[0].valueExpression: Required value",
            id="a key without a value",
        ),
        pytest.param(
            {"claimValidationRules": [{"claim": "hd", "message": "no"}, {"claim": "hd"}, {}]},
            'jwt[0].claimValidationRules[0].message: Invalid value: "no": may not be specified when claim is set|'
            "jwt[0].claimValidationRules[2]: Required value: claim or expression is required|"
            'jwt[0].claimValidationRules[1].claim: Duplicate value: "hd"',
            id="rules for claims",
        ),
        pytest.param(
            {"claimValidationRules": [{"expression": "claims.a == 1", "requiredValue": "x"}]},
            'jwt[0].claimValidationRules[0].requiredValue: Invalid value: "x": '
            "may not be specified when expression is set",
            id="a rule with a value",
        ),
        pytest.param(
            {"userValidationRules": [{"expression": "user.username"}]},
            'jwt[0].userValidationRules[0].expression: Invalid value: "user.username": must evaluate to bool',
            id="a rule that is no question",
        ),
        pytest.param(
            {"userValidationRules": [{"message": "x"}]},
            "jwt[0].userValidationRules[0].expression: Required value",
            id="a rule that says nothing",
        ),
    ],
)
def test_what_is_wrong_is_named(given: JSON, expected: str) -> None:
    assert said(**given) == expected.split("|")


def test_expressions_are_compiled() -> None:
    (error,) = said(**username(expression="claims."))
    assert error.startswith(
        'jwt[0].claimMappings.username.expression: Invalid value: "claims.": compilation failed: ERROR'
    )


def test_an_address_that_is_looked_at_is_a_name() -> None:
    verified = {"claimValidationRules": [{"expression": "claims.?email_verified.orValue(true) == true"}]}
    assert said(**username(expression="claims.email"), **verified) == []
    assert said(**username(expression="claims.email_verified ? claims.email : claims.sub")) == []


def test_each_issuer_is_there_once() -> None:
    place = issuer(discoveryURL="https://b")
    assert said_of([{**GOOD, **place}, {**GOOD, **place}]) == [
        'jwt[1].issuer.url: Duplicate value: "https://issuer.example"',
        'jwt[1].issuer.discoveryURL: Duplicate value: "https://b"',
    ]


def test_there_are_sixty_four_at_most() -> None:
    assert said_of([GOOD] * 65) == ["jwt: Too many: 65: must have at most 64 items"]


def test_nobody_is_anonymous_under_conditions_where_nobody_is_at_all() -> None:
    assert said_of([], anonymous={"enabled": False, "conditions": [{"path": "/livez"}]}) == [
        'anonymous.conditions: Invalid value: [{"path":"/livez"}]: '
        "enabled should be set to true when conditions are defined"
    ]


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ConfigFileError, match=r'unknown field "jwt\[0\].issuer.color"'):
        said(issuer={**GOOD["issuer"], "color": "blue"})
