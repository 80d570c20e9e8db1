"""Tokens whose heads say by which key they are to be believed, and whose claims can be read in two ways."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from knarr.apiserver.authn.oidc.checking import checked
from knarr.apiserver.authn.oidc.configurations import Foreign
from knarr.machinery import yamls
from knarr.wire.messages import Request
from tests.api.access import NS
from tests.api.certificates import Authority
from tests.api.front import Running, running
from tests.api.issuers import AUDIENCE, Issuer, issuing
from tests.api.test_authentication import bearer, who

JSON = dict[str, Any]
EVIL = rsa.generate_private_key(65537, 2048)
SHOWN = RSAAlgorithm.to_jwk(EVIL.public_key(), as_dict=True)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issuer(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Issuer]:
    async with issuing(Authority(tmp_path_factory.mktemp("issuer"))) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="front")
async def _front(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> AsyncIterator[Running]:
    """It believes an issuer, and its own."""
    about = {"url": issuer.url, "audiences": [AUDIENCE], "certificateAuthority": issuer.authority}
    mappings = {"username": {"claim": "sub", "prefix": "sso:"}}
    kind = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    told = checked(yamls.dump({**kind, "jwt": [{"issuer": about, "claimMappings": mappings}]}).encode(), ())
    async with running(tmp_path_factory.mktemp("front"), foreign=Foreign(told.jwt)) as found:
        yield found


def part(tree: Any) -> str:
    text = tree if isinstance(tree, str) else json.dumps(tree)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


HEADS: dict[str, JSON] = {
    "a key of its own": {"jwk": SHOWN},
    "a key of its own, by another name": {"jwk": SHOWN, "kid": "evil"},
    "where its keys are": {"jku": "https://127.0.0.1:1/keys", "x5u": "https://127.0.0.1:1/chain"},
    "a chain of its own": {"x5c": ["MIIB"], "x5t": "x"},
    "a name that leads to a file": {"kid": "../../../../dev/null"},
    "a name that leads elsewhere": {"kid": "https://127.0.0.1:1/key"},
    "a name that is a question": {"kid": "x' OR '1'='1"},
    "a name that is no text": {"kid": ["first"]},
    "no name": {"kid": None},
    "an empty name": {"kid": ""},
    "a name with NUL": {"kid": "first\0"},
    "what must be understood": {"crit": ["exp"], "exp": 1},
    "a body elsewhere": {"b64": False, "crit": ["b64"]},
    "another algorithm": {"alg": "PS256"},
    "none": {"alg": "none"},
    "none in capitals": {"alg": "NONE"},
    "an algorithm that is none": {"alg": "RS256 "},
    "no algorithm": {"alg": None},
    "a list of algorithms": {"alg": ["RS256", "none"]},
    "a password's": {"alg": "PBES2-HS256+A128KW", "p2c": 2_000_000_000, "enc": "A128GCM"},
    "deflated": {"zip": "DEF"},
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
async def test_a_head_vouches_for_nothing(front: Running, issuer: Issuer, head: JSON) -> None:
    """Each is signed, with a key that is not the issuer's."""
    account = (await front.post(f"{NS}/serviceaccounts/default/token", {"spec": {}}))["status"]["token"]
    for good in (issuer.token(), account):
        named = {"alg": "RS256", **jwt.get_unverified_header(good), **head}
        signed = f"{part({name: value for name, value in named.items() if value is not None})}.{good.split('.')[1]}"
        signature = jwt.get_algorithm_by_name("RS256").sign(signed.encode(), EVIL)
        token = f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
        assert await who(front, None, bearer(token)) == 401
        assert await who(front, None, bearer(f"{signed}.")) == 401


@pytest.mark.parametrize(
    "head",
    [
        pytest.param({"crit": ["exp"], "exp": 1}, id="what must be understood"),
        pytest.param({"crit": []}, id="nothing that must be understood"),
        pytest.param({"b64": False, "crit": ["b64"]}, id="a body elsewhere"),
    ],
)
async def test_what_must_be_understood_is_or_the_token_is_not(front: Running, issuer: Issuer, head: JSON) -> None:
    """RFC 7515, 4.1.11: though the issuer has signed it."""
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    signed = f"{part({'alg': 'RS256', 'kid': 'first', **head})}.{part(claims)}"
    signature = jwt.get_algorithm_by_name("RS256").sign(signed.encode(), issuer.keys["first"])
    assert await who(front, None, bearer(f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}")) == 401


SPELLINGS = [
    "{0}.{1}.{2}.{2}",
    "{0}.{1}",
    "{0}..{2}",
    " {0}.{1}.{2}",
    "{0}.{1}.{2}=",
    "{0}.{1}.{2}\x7f",
    "{{}}.{1}.{2}",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_a_token_is_spelled_in_one_way(front: Running, issuer: Issuer, spelling: str) -> None:
    """Or it could be let in where somebody has forbidden it as it was."""
    account = (await front.post(f"{NS}/serviceaccounts/default/token", {"spec": {}}))["status"]["token"]
    for good in (issuer.token(), account):
        assert await who(front, None, ("authorization", "Bearer " + spelling.format(*good.split(".")))) in (400, 401)


@pytest.mark.parametrize("spelled", ["access_token", "token", "bearer_token", "Authorization"])
async def test_a_token_in_the_address_is_none(front: Running, spelled: str) -> None:
    account = (await front.post(f"{NS}/serviceaccounts/default/token", {"spec": {}}))["status"]["token"]
    transport = front.transport()
    try:
        answer = await transport.request(Request("GET", f"{NS}/pods", f"{spelled}={account}"))
        assert (answer.status, b'User \\"system:anonymous\\"' in answer.body) == (403, True)
    finally:
        await transport.close()
