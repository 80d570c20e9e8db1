"""`knarr dns`: the cluster's DNS alone."""

from __future__ import annotations

from knarr.cli.parts import Serve, part


def find() -> Serve:
    from knarr.cluster.agent import dns

    return dns


COMMAND = part("dns", "run the cluster's DNS alone", find)
