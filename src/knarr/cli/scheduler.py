"""`knarr scheduler`: the scheduler alone."""

from __future__ import annotations

from knarr.cli.electing import ELECTING
from knarr.cli.parts import Serve, part


def find() -> Serve:
    from knarr.cluster.server import scheduler

    return scheduler


COMMAND = part("scheduler", "run the scheduler alone", find, ELECTING)
