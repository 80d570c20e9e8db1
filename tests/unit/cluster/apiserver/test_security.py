"""What the API server is made of by its flags."""

from __future__ import annotations

from pathlib import Path

import pytest

from knarr.cluster.apiserver.security import kubelet_context
from knarr.cluster.config import Config
from knarr.cluster.flags.kubelets import Kubelets
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.table import APIFlags
from knarr.cluster.pki import certificates
from knarr.wire.following import present


def trusted(config: Config) -> list[object]:
    """The authorities that are believed of kubelets."""
    context = present(kubelet_context(config))
    assert context is not None
    return [found["subject"] for found in context.get_ca_certs()]


@pytest.mark.parametrize(
    ("file", "authority"),
    [pytest.param("", "knarr-ca", id="its own"), pytest.param("front-proxy-ca.crt", "knarr-front-proxy-ca", id="told")],
)
def test_who_vouches_for_kubelets(tmp_path: Path, file: str, authority: str) -> None:
    flags = Kubelets(kubelet_certificate_authority=File(str(tmp_path / "pki" / file) if file else ""))
    config = Config(data=str(tmp_path), node_name="n", api=APIFlags(kubelets=flags))
    certificates.ensure(config)
    assert trusted(config) == [((("commonName", authority),),)]
