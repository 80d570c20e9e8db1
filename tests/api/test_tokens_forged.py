"""Tokens that somebody has made: with our own key, to be told from forgeries by nothing else, and without it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from knarr.machinery.signing import PrivateKey, PublicKey, private_key
from tests.api.bearers import claims_of, request_token, whoami
from tests.api.processes import ServerProcess

JSON = dict[str, Any]


@pytest.fixture
def ours(process: ServerProcess) -> PrivateKey:
    return private_key((process.config.pki / "service-accounts.key").read_bytes())


@pytest.fixture
def good(process: ServerProcess, namespace: str) -> str:
    token: str = request_token(process, namespace).json["status"]["token"]
    return token


def aged(seconds: int) -> JSON:
    now = int(time.time())
    return {"iat": now - seconds - 600, "nbf": now - seconds - 600, "exp": now - seconds}


SOMEBODY = {"name": "x", "uid": "y"}
CLAIMS: dict[str, Callable[[JSON], JSON]] = {
    "expired": lambda it: aged(90),
    "not valid yet": lambda it: {"nbf": int(time.time()) + 90},
    "issued in the future": lambda it: {"iat": int(time.time()) + 90},
    "another issuer": lambda it: {"iss": "https://elsewhere"},
    "no issuer": lambda it: {"iss": ""},
    "another audience": lambda it: {"aud": ["vault"]},
    "no expiry that is a number": lambda it: {"exp": "never"},
    "another account": lambda it: {
        "kubernetes.io": it["kubernetes.io"] | {"serviceaccount": {"name": "x", "uid": "y"}}
    },
    "another namespace": lambda it: {"kubernetes.io": it["kubernetes.io"] | {"namespace": "kube-system"}},
    "a pod that is none": lambda it: {"kubernetes.io": it["kubernetes.io"] | {"pod": SOMEBODY}},
    "without claims": lambda it: {"kubernetes.io": {}},
    "a secret's, without one": lambda it: {"iss": "kubernetes/serviceaccount"},
}


def test_what_is_signed_with_our_key_is_good(process: ServerProcess, ours: PrivateKey, good: str) -> None:
    assert isinstance(whoami(process, ours.sign(claims_of(good))), dict)


@pytest.mark.parametrize("change", CLAIMS.values(), ids=CLAIMS)
def test_a_key_is_not_enough(
    process: ServerProcess, ours: PrivateKey, good: str, change: Callable[[JSON], JSON]
) -> None:
    claims = claims_of(good)
    assert whoami(process, ours.sign(claims | change(claims))) == 401


def stranger(good: str, public: bytes) -> str:
    key = rsa.generate_private_key(65537, 2048)
    return PrivateKey(key, PublicKey(key.public_key(), "RS256")).sign(claims_of(good))


def swapped(good: str, public: bytes) -> str:
    """Signed by another key, under the name of ours."""
    _, body, signature = stranger(good, public).split(".")
    return f"{encoded(alg='RS256', kid=kid_of(good))}.{body}.{signature}"


def nameless(good: str, public: bytes) -> str:
    _, body, signature = stranger(good, public).split(".")
    return f"{encoded(alg='RS256')}.{body}.{signature}"


def unsigned(good: str, public: bytes) -> str:
    return f"{encoded(alg='none', typ='JWT')}.{good.split('.')[1]}."


def symmetric(good: str, public: bytes) -> str:
    """With our public key, which everybody may know, as the secret of an HMAC."""
    signed = f"{encoded(alg='HS256', kid=kid_of(good))}.{good.split('.')[1]}"
    return f"{signed}.{bare(hmac.new(public, signed.encode(), hashlib.sha256).digest())}"


def tampered(good: str, public: bytes) -> str:
    head, _, signature = good.split(".")
    claims = claims_of(good)
    claims["kubernetes.io"]["namespace"] = "kube-system"
    return f"{head}.{encoded(**claims)}.{signature}"


@pytest.mark.parametrize(
    "forge", [stranger, swapped, nameless, unsigned, symmetric, tampered], ids=lambda f: f.__name__
)
def test_a_forgery_is_refused(process: ServerProcess, good: str, forge: Callable[..., str]) -> None:
    public = (process.config.pki / "service-accounts.pub").read_bytes()
    assert whoami(process, forge(good, public=public)) == 401


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "....", "!", "ey" * 9000], ids=range(6))
def test_nonsense_is_refused(process: ServerProcess, token: str) -> None:
    assert whoami(process, token) == 401


def encoded(**tree: Any) -> str:
    return bare(json.dumps(tree).encode())


def bare(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])
