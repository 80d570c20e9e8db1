"""`knarr agent`: kubelet, service proxy and DNS in one process."""

from __future__ import annotations

from knarr.cli.flags import KUBELET_FLAGS
from knarr.cli.parts import Serve, part


def find() -> Serve:
    from knarr.cluster.agent import serve

    return serve


COMMAND = part("agent", "run the kubelet, service proxy and DNS in one process", find, KUBELET_FLAGS)
