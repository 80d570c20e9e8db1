"""`knarr kubelet`: the kubelet alone."""

from __future__ import annotations

from knarr.cli.flags import KUBELET_FLAGS
from knarr.cli.parts import Serve, part


def find() -> Serve:
    from knarr.cluster.agent import kubelet

    return kubelet


COMMAND = part("kubelet", "run the kubelet alone", find, KUBELET_FLAGS)
