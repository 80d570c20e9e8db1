"""How users prove who they are to the API server, as the cluster has it or its flags say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from knarr.apiserver.authn.authorities import Authorities
from knarr.apiserver.authn.frontproxies import Fields, FrontProxies
from knarr.apiserver.authn.table import Authentication
from knarr.apiserver.authn.users import User
from knarr.cluster.apiserver.issuers import foreign
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError

T = TypeVar("T")

_OVERLAP = (
    "--requestheader-client-ca-file and --client-ca-file contain overlapping certificates; "
    "--requestheader-allowed-names must be specified to ensure regular client certificates cannot set authenticating "
    "proxy headers for arbitrary users"
)


def authentication(config: Config) -> Authentication:
    """What the API server believes. Raises UserError for files that do not say it."""
    flags = config.api.authentication
    clients = _read("--client-ca-file", client_authorities(config), Authorities)
    proxies = _read("--requestheader-client-ca-file", proxy_authorities(config), Authorities)
    if not _proxies(config) and proxies.share_with(clients):
        raise UserError(_OVERLAP)
    tokens, believed = flags.token_auth_file, foreign(config)
    return Authentication(
        clients=clients,
        proxies=FrontProxies(
            proxies,
            frozenset(_proxies(config)),
            Fields(
                users=_lower(flags.requestheader_username_headers),
                uids=_lower(flags.requestheader_uid_headers),
                groups=_lower(flags.requestheader_group_headers),
                extra=_lower(flags.requestheader_extra_headers_prefix),
            ),
        ),
        tokens=_tokens(Path(tokens)) if tokens else {},
        bootstrap=flags.enable_bootstrap_token_auth,
        foreign=believed.tokens,
        webhook=believed.webhook,
        anonymous=believed.anonymous,
    )


def extension_authentication(config: Config) -> dict[str, str]:
    """The same, as servers of aggregated APIs are told of it."""
    flags = config.api.authentication
    lists = {
        "requestheader-allowed-names": _proxies(config),
        "requestheader-username-headers": flags.requestheader_username_headers,
        "requestheader-uid-headers": flags.requestheader_uid_headers,
        "requestheader-group-headers": flags.requestheader_group_headers,
        "requestheader-extra-headers-prefix": flags.requestheader_extra_headers_prefix,
    }
    return {
        "client-ca-file": client_authorities(config).read_text(),
        "requestheader-client-ca-file": proxy_authorities(config).read_text(),
        **{name: json.dumps(values) for name, values in lists.items()},
    }


def client_authorities(config: Config) -> Path:
    """The file with those that vouch for clients."""
    return Path(config.api.serving.client_ca_file or config.pki / "ca.crt")


def proxy_authorities(config: Config) -> Path:
    """The file with those that vouch for front proxies."""
    return Path(config.api.authentication.requestheader_client_ca_file or config.pki / "front-proxy-ca.crt")


def _proxies(config: Config) -> tuple[str, ...]:
    """Their common names: the cluster's own authority vouches for one alone."""
    flags = config.api.authentication
    own = () if flags.requestheader_client_ca_file else ("front-proxy-client",)
    return flags.requestheader_allowed_names or own


def _tokens(file: Path) -> Mapping[str, User]:
    from knarr.apiserver.authn.tokenfiles import read_tokens  # which few servers have

    return _read("--token-auth-file", file, read_tokens)


def _lower(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)


def _read(flag: str, file: Path, read: Callable[[Path], T]) -> T:
    try:
        return read(file)
    except OSError as error:
        raise UserError(f"{flag} {file}: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{flag}: {error}") from None
