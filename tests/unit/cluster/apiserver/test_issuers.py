"""Whose tokens are believed, as flags and files say it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from knarr.apiserver.authn.anonymous import ANYBODY, Anonymous
from knarr.apiserver.authn.oidc.configurations import ClaimRule, Mapping
from knarr.apiserver.authn.webhooktokens import TokenWebhook
from knarr.cluster.apiserver.issuers import Believed, foreign
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.flags.authentication import Authentication
from knarr.cluster.flags.issuers import Issuers
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.table import APIFlags

URL = "https://sso.example"
FILE = """
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: {url: %s, audiences: [a]}
  claimMappings: {username: {claim: sub, prefix: ""}}
anonymous: {enabled: true, conditions: [{path: /livez}]}
"""


def believed(anonymous: bool = True, **flags: Any) -> Believed:
    authentication = Authentication(anonymous_auth=anonymous)
    return foreign(Config(api=APIFlags(authentication=authentication, issuers=Issuers(**flags))))


def test_by_default_nobody_else() -> None:
    assert believed() == Believed(None, None, ANYBODY)
    assert believed(anonymous=False).anonymous == Anonymous()


def test_flags_are_an_issuer() -> None:
    found = believed(
        oidc_issuer_url=URL,
        oidc_client_id="a",
        oidc_groups_claim="groups",
        oidc_groups_prefix="sso:",
        oidc_required_claim=("hd=example.com",),
    ).tokens
    assert found is not None
    (told,), mappings = found.issuers, found.issuers[0].claim_mappings
    assert (told.issuer.url, told.issuer.audiences, found.algorithms) == (URL, ("a",), ("RS256",))
    assert mappings.username == Mapping(claim="sub", prefix=f"{URL}#")
    assert mappings.groups == Mapping(claim="groups", prefix="sso:")
    assert told.claim_validation_rules == (ClaimRule(claim="hd", required_value="example.com"),)


@pytest.mark.parametrize(
    ("claim", "prefix", "expected"),
    [("sub", "", f"{URL}#"), ("email", "", ""), ("sub", "-", ""), ("email", "sso:", "sso:")],
)
def test_names_have_a_prefix_unless_they_are_addresses(claim: str, prefix: str, expected: str) -> None:
    flags: dict[str, Any] = {"oidc_username_claim": claim, "oidc_username_prefix": prefix}
    found = believed(oidc_issuer_url=URL, oidc_client_id="a", **flags).tokens
    assert found is not None
    assert found.issuers[0].claim_mappings.username.prefix == expected


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "authentication.yaml"
    path.write_text(FILE % URL)
    found = believed(authentication_config=File(str(path)))
    assert found.tokens is not None
    assert (found.tokens.file, [each.issuer.url for each in found.tokens.issuers]) == (path, [URL])
    assert (found.anonymous.lets_in("/livez"), found.anonymous.lets_in("/version")) == (True, False)


def test_what_is_wrong_in_a_file_is_told_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "authentication.yaml"
    path.write_text(FILE % "http://sso.example")
    with pytest.raises(UserError, match=rf"--authentication-config {path}: jwt\[0\].issuer.url: .* must be https"):
        believed(authentication_config=File(str(path)))
    path.write_text(FILE % URL)
    with pytest.raises(UserError, match="--anonymous-auth flag cannot be set when"):
        believed(anonymous=False, authentication_config=File(str(path)))


def test_nobody_issues_in_our_name() -> None:
    with pytest.raises(UserError, match="URL must not overlap with disallowed issuers"):
        believed(oidc_issuer_url="https://kubernetes.default.svc.cluster.local", oidc_client_id="a")


def test_a_webhook(tmp_path: Path) -> None:
    file = tmp_path / "webhook"
    told = believed(authentication_token_webhook_config_file=File(str(file)), authentication_token_webhook_version="v1")
    assert told.webhook == TokenWebhook(file, "v1", 120.0)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"oidc_issuer_url": URL}, "must be specified together"),
        ({"oidc_groups_claim": "g"}, "must be specified together"),
        ({"oidc_issuer_url": URL, "oidc_client_id": "a", "authentication_config": "f"}, "mutually exclusive"),
        ({"oidc_issuer_url": URL, "oidc_client_id": "a", "oidc_required_claim": ("a",)}, "no key=value"),
        ({"authentication_token_webhook_version": "v2"}, "must be v1 or v1beta1"),
    ],
)
def test_flags_that_do_not_fit(flags: dict[str, Any], said: str) -> None:
    (problem,) = Issuers(**flags).problems()
    assert said in problem
    assert Issuers().problems() == []
