"""Certificates, by the clock of the server; and what authorities' files say now."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from knarr.apiserver.authn.authenticator import Authenticator
from knarr.apiserver.authn.authorities import Authorities
from knarr.machinery.clock import VirtualClock
from knarr.machinery.errors import Unauthorized
from knarr.wire.messages import Peer, Request
from tests.api.certificates import Authority

VERSION = Request("GET", "/version")


def peer_of(authority: Authority, name: str = "bob") -> Peer:
    """A client of an authority, as TLS has verified it."""
    files = authority.issue(name, lasts=(-60, 60)).certificate, authority.file
    leaf, root = (ssl.PEM_cert_to_DER_cert(file.read_text()) for file in files)
    return Peer(certificate=leaf, chain=(leaf, root))


@pytest.mark.parametrize(
    ("seconds", "good"), [(0, True), (59, True), (61, False), (-61, False)], ids=["now", "still", "expired", "not yet"]
)
async def test_a_certificate_has_its_time_on_a_connection_that_lasts(
    tmp_path: Path, seconds: float, good: bool
) -> None:
    clock = VirtualClock(datetime.now(UTC) + timedelta(seconds=seconds))
    authority = Authority(tmp_path)
    authenticator, peer = Authenticator(clock, clients=Authorities(authority.file)), peer_of(authority)
    if good:
        assert (await authenticator.authenticate(VERSION, peer)).user.name == "bob"
    else:
        with pytest.raises(Unauthorized):
            await authenticator.authenticate(VERSION, peer)


def test_authorities_are_those_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    file = tmp_path / "bundle.crt"
    file.write_bytes(old.file.read_bytes())
    authorities, chain = Authorities(file), peer_of(new).chain
    assert not authorities.vouch_for(chain)
    file.write_bytes(b"half of a certificate")
    assert (authorities.vouch_for(chain), authorities.vouch_for(peer_of(old).chain)) == (False, True)
    file.write_bytes(b"# both\n" + old.file.read_bytes() + new.file.read_bytes())
    assert authorities.vouch_for(chain)


def test_a_file_without_authorities_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text("nothing")
    with pytest.raises(ValueError, match="does not contain any valid"):
        Authorities(file)
