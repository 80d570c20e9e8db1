"""`knarr proxy`: the service proxy alone."""

from __future__ import annotations

from knarr.cli.parts import Serve, part


def find() -> Serve:
    from knarr.cluster.agent import proxy

    return proxy


COMMAND = part("proxy", "run the service proxy alone", find)
