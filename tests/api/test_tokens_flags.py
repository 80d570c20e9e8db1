"""A server that is told by upstream's flags which keys and issuers its tokens have, and how long they last."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator

import jwt
import pytest

from knarr.cluster.flags.notation import File
from knarr.cluster.flags.serviceaccounts import ServiceAccounts
from knarr.cluster.flags.table import APIFlags
from tests.api.bearers import claims_of, request_token, whoami
from tests.api.processes import PATIENCE, ServerProcess, configured, launched
from tests.unit.apiserver.authn.keyrings import keys

NEW, OLD = "https://issuer.example", "https://kubernetes.default.svc.cluster.local"
OURS, FORMER = keys("ours", "ES384"), keys("former", "RS256")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("told")
    for name, text in (("ours.key", OURS.private), ("former.pub", FORMER.public[0])):
        (folder / name).write_bytes(text)
    flags = ServiceAccounts(
        service_account_issuer=(NEW, OLD),
        service_account_signing_key_file=File(str(folder / "ours.key")),
        service_account_key_file=(File(str(folder / "former.pub")), File(str(folder / "ours.key"))),
        api_audiences=("api",),
        service_account_jwks_uri="https://keys.example/jwks",
        service_account_max_token_expiration=7200.0,
        service_account_extend_token_expiration=False,
    )
    config = configured(folder, api=APIFlags(serviceaccounts=flags))
    server = launched(config, folder / "server.log")
    yield server
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0
    shutil.rmtree(config.root)


def test_the_first_issuer_signs_with_the_key(told: ServerProcess) -> None:
    token = request_token(told, "default").json["status"]["token"]
    assert jwt.get_unverified_header(token)["alg"] == "ES384"
    assert (claims_of(token)["iss"], claims_of(token)["aud"]) == (NEW, ["api"])
    assert isinstance(whoami(told, token), dict)


def test_tokens_of_before_are_good_still(told: ServerProcess) -> None:
    claims = claims_of(request_token(told, "default").json["status"]["token"])
    assert isinstance(whoami(told, FORMER.signing.sign({**claims, "iss": OLD})), dict)
    assert whoami(told, FORMER.signing.sign({**claims, "iss": OLD, "aud": OLD})) == 401
    assert whoami(told, FORMER.signing.sign({**claims, "iss": "https://another"})) == 401


def test_what_would_last_too_long_is_shortened(told: ServerProcess) -> None:
    reply = request_token(told, "default", expirationSeconds=7201)
    assert reply.headers["warning"] == '299 - "requested expiration of 7201 seconds shortened to 7200 seconds"'
    claims = claims_of(reply.json["status"]["token"])
    assert (reply.json["spec"]["expirationSeconds"], claims["exp"] - claims["iat"]) == (7200, 7200)


def test_tokens_of_pods_last_as_long_as_they_are_asked_to(told: ServerProcess) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    assert told.send("POST", "/api/v1/namespaces/default/pods", pod).status == 201
    bound = {"kind": "Pod", "apiVersion": "v1", "name": "p"}
    reply = request_token(told, "default", expirationSeconds=3607, boundObjectRef=bound)
    claims = claims_of(reply.json["status"]["token"])
    assert claims["exp"] - claims["iat"] == 3607


def test_the_keys_of_all_sorts_are_published(told: ServerProcess) -> None:
    found = told.send("GET", "/.well-known/openid-configuration").json
    assert (found["issuer"], found["jwks_uri"]) == (NEW, "https://keys.example/jwks")
    assert found["id_token_signing_alg_values_supported"] == ["ES384", "RS256"]
    shown = told.send("GET", "/openid/v1/jwks").json["keys"]
    assert [(key["kty"], key["alg"], key["use"]) for key in shown] == [("RSA", "RS256", "sig"), ("EC", "ES384", "sig")]
    token = request_token(told, "default").json["status"]["token"]
    assert jwt.decode(token, jwt.PyJWK(shown[1]).key, algorithms=["ES384"], audience="api", issuer=NEW)


def test_secrets_get_tokens_by_the_same_key(told: ServerProcess) -> None:
    annotations = {"kubernetes.io/service-account.name": "default"}
    body = {"metadata": {"name": "t", "annotations": annotations}, "type": "kubernetes.io/service-account-token"}
    told.send("POST", "/api/v1/namespaces/default/secrets", body)
    kubectl = told.kubectl()
    token = kubectl.until(".+", "get", "secret", "t", "-o", "go-template={{base64decode .data.token}}")
    assert jwt.get_unverified_header(token)["alg"] == "ES384"
    assert isinstance(whoami(told, token), dict)
