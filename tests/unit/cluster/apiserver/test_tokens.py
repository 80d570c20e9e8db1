"""What flags say of service accounts' tokens, and the files that they name."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from knarr.cluster.apiserver.tokens import account_tokens, secret_key_file
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.secrettokens import SecretTokens
from knarr.cluster.flags.serviceaccounts import ServiceAccounts
from knarr.cluster.flags.table import APIFlags, ControllerFlags
from tests.unit.apiserver.authn.keyrings import keys


def config(folder: Path, **flags: object) -> Config:
    pki = folder / "pki"
    pki.mkdir(exist_ok=True)
    (pki / "service-accounts.key").write_bytes(keys("ours").private)
    (pki / "service-accounts.pub").write_bytes(keys("ours").public[0])
    return Config(data=str(folder), domain="home", api=APIFlags(serviceaccounts=ServiceAccounts(**flags)))  # type: ignore[arg-type]


def test_the_clusters_own_is_the_default(tmp_path: Path) -> None:
    rules = account_tokens(config(tmp_path))
    assert (rules.issuers, rules.own_audiences) == (
        ("https://kubernetes.default.svc.home",),
        ["https://kubernetes.default.svc.home"],
    )
    assert list(rules.keys.verifying) == [rules.keys.signing.public.id]
    assert (rules.longest, rules.extends, rules.looks_up) == (0, True, True)


def test_a_file_may_hold_several_keys(tmp_path: Path) -> None:
    file = tmp_path / "keys.pem"
    file.write_bytes(
        b"# all of them\n" + keys("a").public[0] + keys("b", "ES512").private + keys("c", "RS256").public[0]
    )
    rules = account_tokens(config(tmp_path, service_account_key_file=(File(str(file)),)))
    assert [key.algorithm for key in rules.keys.verifying.values()] == ["ES256", "ES512", "RS256"]


@pytest.mark.parametrize(
    ("flag", "text", "why"),
    [
        ("service_account_signing_key_file", None, "No such file or directory"),
        ("service_account_signing_key_file", keys("a").public[0], "a valid RSA or ECDSA private key"),
        ("service_account_key_file", b"", "does not contain any valid RSA or ECDSA public keys"),
        ("service_account_key_file", b"-----BEGIN PUBLIC KEY-----\nxxxx\n-----END PUBLIC KEY-----", "does not contain"),
    ],
    ids=["no file", "a public key", "empty", "damaged"],
)
def test_files_without_keys_are_refused_at_the_start(tmp_path: Path, flag: str, text: bytes | None, why: str) -> None:
    file = tmp_path / "key.pem"
    if text is not None:
        file.write_bytes(text)
    value = (str(file),) if flag == "service_account_key_file" else str(file)
    with pytest.raises(UserError, match=why) as refused:
        account_tokens(config(tmp_path, **{flag: value}))
    assert str(refused.value).startswith(f"--{flag.replace('_', '-')} {file}: ")


def test_controllers_sign_as_the_api_server_does_unless_told_otherwise(tmp_path: Path) -> None:
    own, theirs, pki = tmp_path / "own.pem", tmp_path / "theirs.pem", tmp_path / "pki"
    for file in (own, theirs):
        file.write_bytes(keys("a").private)
    assert secret_key_file(config(tmp_path)) == pki / "service-accounts.key"
    signing = config(tmp_path, service_account_signing_key_file=str(theirs))
    assert secret_key_file(signing) == theirs
    told = ControllerFlags(secrettokens=SecretTokens(service_account_private_key_file=File(str(own))))
    assert secret_key_file(msgspec.structs.replace(signing, controllers=told)) == own
    own.write_text("nothing")
    with pytest.raises(UserError, match=r"--service-account-private-key-file .* a valid RSA or ECDSA private key"):
        secret_key_file(msgspec.structs.replace(signing, controllers=told))


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"service_account_issuer": ("a", "a")}, 'service-account-issuer "a" is already specified'),
        (
            {"service_account_issuer": ("://a",)},
            "service-account-issuer \"://a\" contained a ':' but was not a valid URL",
        ),
        (
            {"service_account_jwks_uri": "http://a"},
            "service-account-jwks-uri requires https scheme, parsed as: http://a",
        ),
        (
            {"service_account_max_token_expiration": 60.0},
            "the service-account-max-token-expiration must be between 1 hour and 2^32 seconds",
        ),
        (
            {"service_account_signing_key_file": "/k"},
            "--service-account-key-file must be specified when --service-account-signing-key-file is provided",
        ),
        ({"service_account_issuer": ("https://a", "b"), "service_account_max_token_expiration": 3600.0}, None),
    ],
    ids=["twice", "no address", "no https", "short", "no key to verify", "all is well"],
)
def test_what_flags_cannot_be(flags: dict[str, object], problem: str | None) -> None:
    assert ServiceAccounts(**flags).problems() == ([problem] if problem else [])  # type: ignore[arg-type]
