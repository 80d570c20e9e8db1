"""`knarr controller-manager`: the controllers alone."""

from __future__ import annotations

from knarr.cli.electing import ELECTING
from knarr.cli.flags import CONTROLLER_FLAGS
from knarr.cli.parts import Serve, part


def find() -> Serve:
    from knarr.cluster.server import controller_manager

    return controller_manager


COMMAND = part("controller-manager", "run the controllers alone", find, CONTROLLER_FLAGS, ELECTING)
