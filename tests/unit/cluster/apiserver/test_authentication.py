"""From flags to what the API server believes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from knarr.apiserver.authn.frontproxies import Fields
from knarr.apiserver.authn.users import User
from knarr.cluster.apiserver.authentication import authentication, extension_authentication
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.flags.authentication import Authentication
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.table import APIFlags
from tests.api.certificates import Authority


def config(directory: Path, **flags: Any) -> Config:
    (directory / "pki").mkdir(exist_ok=True)
    for name in ("ca", "front-proxy-ca"):
        Authority(directory / "pki", name)
    return Config(data=str(directory), api=APIFlags(authentication=Authentication(**flags)))


def test_the_clusters_own_front_proxies_are_believed(tmp_path: Path) -> None:
    found = authentication(config(tmp_path))
    assert found.proxies is not None
    assert (found.proxies.names, found.proxies.fields) == (frozenset({"front-proxy-client"}), Fields())
    assert (found.anonymous.enabled, found.bootstrap, found.tokens) == (True, True, {})


def test_others_are_believed_where_flags_say_so(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.csv"
    tokens.write_text("a,ann,1\n")
    chosen = config(
        tmp_path,
        anonymous_auth=False,
        enable_bootstrap_token_auth=False,
        token_auth_file=File(str(tokens)),
        requestheader_client_ca_file=File(str(Authority(tmp_path, "theirs").file)),
        requestheader_username_headers=("X-User", "X-Remote-User"),
        requestheader_extra_headers_prefix=("X-More-",),
    )
    found, told = authentication(chosen), extension_authentication(chosen)
    assert found.proxies is not None
    assert (found.proxies.names, found.proxies.fields.users) == (frozenset(), ("x-user", "x-remote-user"))
    assert found.proxies.fields.extra == ("x-more-",)
    assert (found.anonymous.enabled, found.bootstrap, found.tokens) == (False, False, {"a": User("ann", "1")})
    assert told["requestheader-client-ca-file"] == (tmp_path / "theirs.crt").read_text()
    assert json.loads(told["requestheader-username-headers"]) == ["X-User", "X-Remote-User"]
    assert json.loads(told["requestheader-allowed-names"]) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "--token-auth-file {0}: No such file or directory", id="no file"),
        pytest.param(
            "a,b\n",
            "--token-auth-file: token file '{0}' must have at least 3 columns (token, user name, user uid), found 2",
            id="too few columns",
        ),
    ],
)
def test_a_bad_token_file_is_told_of_at_the_start(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "tokens.csv"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError) as error:
        authentication(config(tmp_path, token_auth_file=File(str(file))))
    assert str(error.value) == said.format(file)


def test_any_front_proxy_of_the_clients_authority_is_too_many(tmp_path: Path) -> None:
    own = File(str(tmp_path / "pki" / "ca.crt"))
    with pytest.raises(UserError, match="contain overlapping certificates; --requestheader-allowed-names must be"):
        authentication(config(tmp_path, requestheader_client_ca_file=own))
    found = authentication(config(tmp_path, requestheader_client_ca_file=own, requestheader_allowed_names=("proxy",)))
    assert found.proxies and found.proxies.names == {"proxy"}


def test_empty_names_of_headers_are_refused() -> None:
    assert Authentication(requestheader_group_headers=("X-Group", " ")).problems() == [
        'empty value in "requestheader-group-headers"'
    ]
