"""Service account tokens: what makes one good, and each thing that makes it bad."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from knarr.apiserver.audit.trails import Trail, follow, remarks
from knarr.apiserver.authn.bearers import InvalidTokenError
from knarr.apiserver.authn.claims import Bound
from knarr.apiserver.authn.keys import ISSUER, AccountKeys
from knarr.apiserver.authn.users import AUTHENTICATED
from knarr.apiserver.encoding import to_stored
from knarr.storage.store import Write
from tests.unit.apiserver.authn.clusters import ACCOUNT, NODE, POD, SECRET, START, cluster, decoded
from tests.unit.apiserver.authn.keyrings import CURVES, keys

INVALIDATED = "service account token has been invalidated"


async def test_a_good_token_is_the_account() -> None:
    async with cluster() as it:
        token = it.issue(pod=POD, node=NODE)
        found = await it.ask(token)
        assert found is not None
        assert (found.user.name, found.user.uid) == ("system:serviceaccount:team:builder", ACCOUNT.uid)
        assert found.user.groups == ("system:serviceaccounts", "system:serviceaccounts:team", AUTHENTICATED)
        assert found.user.extra == {
            "authentication.kubernetes.io/credential-id": (f"JTI={decoded(token)['jti']}",),
            "authentication.kubernetes.io/pod-name": ("worker",),
            "authentication.kubernetes.io/pod-uid": (POD.uid,),
            "authentication.kubernetes.io/node-name": ("n1",),
            "authentication.kubernetes.io/node-uid": (NODE.uid,),
        }
        assert (found.audiences, found.warnings) == ([ISSUER], ())


@pytest.mark.parametrize("algorithm", ["RS256", *CURVES])
async def test_keys_of_every_sort_sign(algorithm: str) -> None:
    mine = keys("mine", algorithm)
    async with cluster(keys=mine) as it:
        token = mine.signing.sign(decoded(it.issue()))
        assert json.loads(part(token, 0))["alg"] == algorithm
        assert await it.ask(token)


async def test_all_issuers_and_all_keys_are_believed() -> None:
    both = AccountKeys(keys("ours").private, (*keys("ours").public, *keys("former").public))
    async with cluster(keys=both, issuers=[ISSUER, "former"]) as it:
        assert await it.ask(it.issue(issuer="former", key="former"))


@pytest.mark.parametrize(
    ("token", "why"),
    [
        pytest.param(lambda c: c.issue(key="theirs"), "invalid signature, no keys found", id="another's key"),
        pytest.param(lambda c: with_head(c.issue(key="theirs"), kid=key_id("ours")), "Signature", id="swapped kid"),
        pytest.param(lambda c: with_head(c.issue(key="theirs"), kid=""), "Signature", id="another's key, without kid"),
        pytest.param(lambda c: c.issue(audience="vault"), "audiences", id="another audience"),
        pytest.param(
            lambda c: with_claims(c.issue(), sub="system:serviceaccount:kube-system:admin"), "Signature", id="tampered"
        ),
        pytest.param(lambda c: with_claims(c.issue(), exp=1 << 40), "Signature", id="made to last"),
        pytest.param(lambda c: with_head(c.issue(), alg="none"), "alg value is not allowed", id="alg none"),
        pytest.param(lambda c: unsigned(c.issue()), "alg value is not allowed", id="alg none and no signature"),
        pytest.param(lambda c: public_as_secret(c.issue()), "alg value is not allowed", id="HS256 with the public key"),
        pytest.param(lambda c: with_head(c.issue(), alg="ES384"), "alg value is not allowed", id="another algorithm"),
        pytest.param(lambda c: c.issue() + "A", "Signature", id="longer than it was"),
        pytest.param(lambda c: c.issue().rpartition(".")[0] + ".", "Signature", id="without signature"),
        pytest.param(lambda c: c.sign({"iss": ISSUER, "aud": ISSUER, "exp": 2e9}), "not found", id="nobody's"),
        pytest.param(lambda c: c.sign({"iss": ISSUER, "kubernetes.io": 3}), "Expected `object`", id="other claims"),
    ],
)
async def test_a_forged_token_is_bad(token: Any, why: str) -> None:
    async with cluster() as it:
        with pytest.raises(InvalidTokenError) as refused:
            await it.ask(token(it))
        assert why in str(refused.value)


@pytest.mark.parametrize(
    "token",
    [lambda c: c.issue(issuer="https://elsewhere"), lambda c: "not.a.token", lambda c: "abc", lambda c: "a.\xff.c"],
    ids=["another issuer's", "no token", "one word", "no base64"],
)
async def test_a_token_of_others_is_left_to_them(token: Any) -> None:
    async with cluster() as it:
        assert await it.ask(token(it)) is None


async def test_a_token_expires_even_if_it_was_good_before() -> None:
    async with cluster() as it:
        token = it.issue()
        await it.clock.advance(660)
        assert await it.refusal(token) == ""  # clocks may disagree by a minute
        await it.clock.advance(1)
        assert await it.refusal(token) == "service account token has expired"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nbf": 61}, "service account token is not valid yet"),
        ({"nbf": 60}, ""),
        ({"iat": 61}, "service account token is issued in the future"),
        ({"exp": -61}, "service account token has expired"),
    ],
    ids=str,
)
async def test_a_token_has_its_time(claims: dict[str, int], why: str) -> None:
    async with cluster() as it:
        shifted = {name: int(START.timestamp()) + seconds for name, seconds in claims.items()}
        assert await it.refusal(it.sign(decoded(it.issue()) | shifted)) == why


@pytest.mark.parametrize(
    ("plural", "bound", "gone", "replaced"),
    [
        ("serviceaccounts", {}, 'serviceaccount "builder" not found', "service account UID (new) does not match claim"),
        ("pods", {"pod": POD, "node": NODE}, INVALIDATED, "pod UID (new) does not match service account pod ref claim"),
        ("secrets", {"secret": SECRET}, INVALIDATED, "secret UID (new) does not match service account secret ref"),
        ("nodes", {"node": NODE}, INVALIDATED, "node UID (new) does not match service account node ref claim"),
    ],
    ids=["account", "pod", "secret", "node"],
)
async def test_what_a_token_is_bound_to_must_live(plural: str, bound: dict[str, Any], gone: str, replaced: str) -> None:
    name = next(iter(bound.values()), ACCOUNT).name
    async with cluster() as it:
        token = it.issue(**bound)
        assert await it.refusal(token) == ""
        await it.put(plural, name, metadata={"uid": "new"})
        assert (await it.refusal(token)).startswith(replaced)
        await it.remove(plural, name)
        assert await it.refusal(token) == gone


async def test_what_another_server_has_just_made_is_waited_for() -> None:
    async with cluster() as it:
        new = Bound("new", "uid-of-new")
        metadata = {"name": new.name, "namespace": "team", "uid": new.uid}
        tree = {"kind": "Pod", "apiVersion": "v1", "metadata": metadata}
        await it.registry.store.commit([Write("/registry/pods/team/new", to_stored(tree), expected=0)])
        assert it.registry.get("", "pods", "team", "new") is None  # the cache has yet to hear of it
        assert await it.refusal(it.issue(pod=new)) == ""


async def test_a_pods_node_is_only_told() -> None:
    async with cluster() as it:
        token = it.issue(pod=POD, node=NODE)
        await it.remove("nodes", "n1")
        assert await it.refusal(token) == ""


@pytest.mark.parametrize(
    ("plural", "name", "why"),
    [
        ("pods", "worker", INVALIDATED),
        ("serviceaccounts", "builder", "service account team/builder has been deleted"),
    ],
)
async def test_what_shuts_down_may_still_speak_for_a_minute(plural: str, name: str, why: str) -> None:
    async with cluster() as it:
        token = it.issue(pod=POD)
        uid = {"pods": POD, "serviceaccounts": ACCOUNT}[plural].uid
        await it.put(plural, name, metadata={"uid": uid, "deletionTimestamp": "2026-01-01T00:00:30Z"})
        await it.clock.advance(90)
        assert await it.refusal(token) == ""
        await it.clock.advance(1)
        assert await it.refusal(token) == why


async def test_a_token_that_is_used_too_long_is_told_of() -> None:
    async with cluster() as it:
        issued = decoded(it.issue(pod=POD))
        issued["kubernetes.io"]["warnafter"] = int(START.timestamp()) + 100
        token = it.sign(issued)
        follow(Trail(START))
        assert await it.ask(token)
        assert remarks() == {}
        await it.clock.advance(107)
        assert await it.ask(token)
        text = "subject: system:serviceaccount:team:builder, seconds after warning threshold: 7"
        assert remarks() == {"authentication.k8s.io/stale-token": text}


def key_id(name: str) -> str:
    return keys(name).signing.public.id


def part(token: str, which: int) -> bytes:
    text = token.split(".")[which]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def with_head(token: str, **fields: str) -> str:
    _, body, signature = token.split(".")
    return f"{encoded(json.loads(part(token, 0)) | fields)}.{body}.{signature}"


def with_claims(token: str, **claims: Any) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{encoded(json.loads(part(token, 1)) | claims)}.{signature}"


def unsigned(token: str) -> str:
    return f"{with_head(token, alg='none').rpartition('.')[0]}."


def public_as_secret(token: str) -> str:
    """Signed symmetrically by what everybody may know: a verifier that trusts the header takes it."""
    signed = with_head(token, alg="HS256").rpartition(".")[0]
    digest = hmac.new(keys("ours").public[0], signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def encoded(tree: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(tree).encode()).rstrip(b"=").decode()
