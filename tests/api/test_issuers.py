"""Tokens of other issuers: a real one over TLS, the file that says who they make, and a webhook that knows tokens."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from knarr.apiserver.authn.anonymous import Anonymous, Condition
from knarr.apiserver.authn.oidc import providers
from knarr.apiserver.authn.oidc.checking import checked
from knarr.apiserver.authn.oidc.configurations import Foreign
from knarr.apiserver.authn.webhooktokens import TokenWebhook
from knarr.machinery import yamls
from tests.api.access import bind, role
from tests.api.certificates import Authority
from tests.api.front import Running, running
from tests.api.issuers import AUDIENCE, Issuer, issuing
from tests.api.test_authentication import ask, bearer, who
from tests.api.webhooks import hook, kubeconfig
from tests.kubectl import installed

JSON = dict[str, Any]
KIND = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
MAPPINGS: JSON = {
    "username": {"expression": "'sso:' + claims.sub"},
    "groups": {"expression": "claims.?groups.orValue([])"},
    "uid": {"claim": "uid"},
    "extra": [{"key": "example.com/tier", "valueExpression": "claims.?tier.orValue('')"}],
}
RULES: JSON = {
    "userValidationRules": [
        {"expression": "user.groups.all(g, !g.startsWith('system:'))", "message": "system groups are reserved"}
    ]
}
JANE = {"username": "sso:jane", "groups": ["system:authenticated"]}


def configuration(issuer: Issuer, **more: Any) -> bytes:
    """The file's text."""
    about = {"url": issuer.url, "audiences": [AUDIENCE], "certificateAuthority": issuer.authority}
    authenticator = {"issuer": about, "claimMappings": MAPPINGS, **RULES, **more}
    return yamls.dump({**KIND, "jwt": [authenticator]}).encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "authentication.yaml"


@pytest.fixture
async def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Issuer]:
    monkeypatch.setattr(providers, "_PAUSE", 0.0)
    (tmp_path / "issuer").mkdir()
    async with issuing(Authority(tmp_path / "issuer")) as found:
        yield found


@pytest.fixture
async def trusting(issuer: Issuer, file: Path, tmp_path: Path) -> AsyncIterator[Running]:
    """A front that believes the issuer, as its file says."""
    file.write_bytes(configuration(issuer))
    told = Foreign(checked(file.read_bytes(), ["https://ours"]).jwt, file=file)
    (tmp_path / "front").mkdir()
    async with running(tmp_path / "front", foreign=told) as front:
        yield front


async def test_claims_are_a_user(trusting: Running, issuer: Issuer) -> None:
    token = issuer.token(groups=["dev"], uid="u-1", tier="gold")
    assert await who(trusting, None, bearer(token)) == {
        "username": "sso:jane",
        "uid": "u-1",
        "groups": ["dev", "system:authenticated"],
        "extra": {"example.com/tier": ["gold"]},
    }


async def test_kubectl_with_such_a_token(trusting: Running, issuer: Issuer) -> None:
    await role(trusting, "reader", "list: pods")
    await bind(trusting, "ClusterRole", "reader", "Group:dev")
    for binary in (installed()[0], installed()[-1]):
        kubectl = trusting.kubectl(binary, trusting.authority.issue("nobody"))
        token = ("--token", issuer.token(groups=["dev"]))
        await asyncio.to_thread(kubectl, "config", "unset", "users.u")
        assert await asyncio.to_thread(kubectl, "auth", "can-i", "list", "pods", *token) == "yes\n"
        refused = await asyncio.to_thread(kubectl.run, "get", "secrets", *token)
        assert 'User "sso:jane" cannot list resource "secrets"' in refused.stderr


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"exp": 1}, id="expired"),
        pytest.param({"exp": None}, id="without an end"),
        pytest.param({"exp": "never"}, id="ending never"),
        pytest.param({"nbf": time.time() + 3600}, id="not yet"),
        pytest.param({"aud": "somebody"}, id="for somebody else"),
        pytest.param({"aud": None}, id="for nobody"),
        pytest.param({"sub": None}, id="of nobody"),
        pytest.param({"sub": 7}, id="of a number"),
        pytest.param({"groups": ["system:masters"]}, id="of the mighty"),
        pytest.param({"groups": [["a"]]}, id="of no groups"),
        pytest.param({"iss": "https://elsewhere"}, id="of another issuer"),
    ],
)
async def test_claims_that_are_nobodys(trusting: Running, issuer: Issuer, claims: JSON) -> None:
    assert await who(trusting, None, bearer(issuer.token(**claims))) == 401


async def test_forged_tokens(trusting: Running, issuer: Issuer) -> None:
    good, public = issuer.token(), issuer.keys["first"].public_key()
    head, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    shared = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "first"}).encode()).decode().rstrip("=")
    forged = {
        "unsigned": jwt.encode(claims, "", algorithm="none", headers={"kid": "first"}),
        "signed by the public key": _symmetric(f"{shared}.{body}", pem),
        "of another key": jwt.encode(claims, rsa.generate_private_key(65537, 2048), "RS256", headers={"kid": "first"}),
        "of an unknown key": jwt.encode(claims, rsa.generate_private_key(65537, 2048), "RS256", headers={"kid": "x"}),
        "changed": f"{head}.{_with(body, sub='root')}.{signature}",
        "cut": f"{head}.{body}.",
        "empty": "..",
    }
    assert {name: await who(trusting, None, bearer(token)) for name, token in forged.items()} == dict.fromkeys(
        forged, 401
    )
    assert await who(trusting, None, bearer(good)) == JANE


def _symmetric(signed: str, secret: bytes) -> str:
    digest = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def _with(body: str, **claims: Any) -> str:
    tree = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return base64.urlsafe_b64encode(json.dumps({**tree, **claims}).encode()).decode().rstrip("=")


async def test_keys_are_followed(trusting: Running, issuer: Issuer) -> None:
    assert await who(trusting, None, bearer(issuer.token())) == JANE
    issuer.new_key("second", curve=True)
    assert await who(trusting, None, bearer(issuer.token("second"))) == JANE
    old = issuer.token(jti="another")
    issuer.new_key("first")
    assert await who(trusting, None, bearer(issuer.token(jti="of the new key"))) == JANE
    assert await who(trusting, None, bearer(old)) == 401


async def test_an_issuer_that_is_away_for_a_while(trusting: Running, issuer: Issuer) -> None:
    issuer.broken = True
    assert await who(trusting, None, bearer(issuer.token())) == 401
    issuer.broken = False
    assert await who(trusting, None, bearer(issuer.token())) == JANE
    issuer.broken = True
    assert await who(trusting, None, bearer(issuer.token(jti="more"))) == JANE


async def test_an_issuer_must_be_who_it_says(trusting: Running, issuer: Issuer) -> None:
    token, url = issuer.token(), issuer.url
    issuer.url = "https://impostor"
    assert await who(trusting, None, bearer(token)) == 401
    issuer.url = url
    assert await who(trusting, None, bearer(token)) == JANE


async def test_a_review_tells_why(trusting: Running, issuer: Issuer) -> None:
    async def review(token: str, **spec: Any) -> JSON:
        answer = await trusting.post("/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token, **spec}})
        status: JSON = answer["status"]
        return status

    good = await review(issuer.token())
    assert (good["authenticated"], good["user"]["username"]) == (True, "sso:jane")
    assert "token is expired" in (await review(issuer.token(exp=1)))["error"]
    assert "system groups are reserved" in (await review(issuer.token(groups=["system:x"])))["error"]
    assert not (await review(issuer.token(), audiences=["elsewhere"])).get("authenticated")


async def test_the_file_is_followed(
    trusting: Running, issuer: Issuer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knarr.apiserver.reloading._LOOK", 0.0)
    token = issuer.token()
    assert await who(trusting, None, bearer(token)) == JANE
    file.write_bytes(b"kind: Nonsense")
    assert await who(trusting, None, bearer(token)) == JANE
    file.write_bytes(configuration(issuer, claimMappings={"username": {"claim": "sub", "prefix": "new:"}}))
    assert (await who(trusting, None, bearer(token)))["username"] == "new:jane"
    file.write_bytes(yamls.dump(KIND).encode())
    assert await who(trusting, None, bearer(token)) == 401
    metrics = trusting.registry.metrics.render().decode()
    for outcome in ('status="failure"} 1', 'status="success"} 2'):
        assert any(
            line.startswith("apiserver_authentication_config_controller_automatic_reloads_total")
            and line.endswith(outcome)
            for line in metrics.splitlines()
        )


async def test_nobody_is_let_in_at_some_paths_alone(tmp_path: Path) -> None:
    some = Anonymous(enabled=True, conditions=(Condition(path="/livez"), Condition(path="/readyz")))
    async with running(tmp_path, anonymous=some) as front:
        paths = ("/livez", "/readyz", "/healthz", "/version", "/livez/ping", "//livez", "/api/v1/pods")
        found = {path: (await ask(front, None, line=f"GET {path}")).status for path in paths}
        assert found == {**dict.fromkeys(paths, 401), "/livez": 200, "/readyz": 200}


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
async def test_a_webhook_that_knows_tokens(tmp_path: Path, version: str) -> None:
    (tmp_path / "hook").mkdir()
    users = {"good": {"username": "wendy", "uid": "7", "groups": ["crew"], "extra": {"scopes": ["a", "b"]}}}

    def reply(review: JSON) -> JSON:
        user = users.get(review["spec"]["token"])
        status = {"authenticated": True, "user": user} if user else {"authenticated": False, "error": "who is that?"}
        return {"apiVersion": review["apiVersion"], "kind": "TokenReview", "status": status}

    async with hook(Authority(tmp_path / "hook"), reply) as server:
        told = TokenWebhook(kubeconfig(server, tmp_path / "config"), version, 120.0)
        (tmp_path / "front").mkdir()
        async with running(tmp_path / "front", webhook=told) as front:
            wendy = {"username": "wendy", "uid": "7", "groups": ["crew", "system:authenticated"]}
            expected = {**wendy, "extra": {"scopes": ["a", "b"]}}
            assert [await who(front, None, bearer("good")) for _ in range(3)] == [expected] * 3
            assert await who(front, None, bearer("bad")) == 401
            review = server.reviews[0]
            assert (review["apiVersion"], review["kind"]) == (f"authentication.k8s.io/{version}", "TokenReview")
            assert [each["spec"]["token"] for each in server.reviews] == ["good", "bad"]
            assert review["spec"]["audiences"]
            assert await who(front, None, bearer("unasked")) == 401
