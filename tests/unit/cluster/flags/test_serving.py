"""How the API server may be told to serve."""

from __future__ import annotations

import ssl

import pytest

from knarr.cluster.flags.notation import File
from knarr.cluster.flags.serving import Serving
from knarr.wire.ciphers import SUITES, openssl

BOTH = "--tls-cert-file and --tls-private-key-file must be specified together"


@pytest.mark.parametrize(
    ("flags", "problems"),
    [
        pytest.param(Serving(), [], id="none"),
        pytest.param(Serving(tls_cert_file=File("/c")), [BOTH], id="a certificate without its key"),
        pytest.param(Serving(tls_min_version="VersionTLS13"), [], id="TLS 1.3"),
        pytest.param(
            Serving(tls_min_version="VersionTLS11"),
            [
                "--tls-min-version: VersionTLS11 is broken (RFC 8996), and not served; "
                "choose from VersionTLS12, VersionTLS13"
            ],
            id="TLS 1.1",
        ),
        pytest.param(
            Serving(tls_min_version="1.2"),
            ['--tls-min-version: unknown tls version "1.2"'],
            id="no version of upstream's",
        ),
        pytest.param(
            Serving(tls_cipher_suites=("TLS_AES_128_GCM_SHA256", "TLS_NONE")),
            ["--tls-cipher-suites: Cipher suite TLS_NONE not supported or doesn't exist"],
            id="no suite",
        ),
    ],
)
def test_problems(flags: Serving, problems: list[str]) -> None:
    assert flags.problems() == problems


def test_every_suite_is_one_of_openssl() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(openssl(SUITES))
    assert set(SUITES.values()) <= {suite["name"] for suite in context.get_ciphers()}


def test_without_a_choice_of_tls_1_2_the_default_suites_serve() -> None:
    assert openssl(["TLS_AES_128_GCM_SHA256"]) == openssl([])
