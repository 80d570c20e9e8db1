"""`knarr server`: API server, controllers and scheduler in one process."""

from __future__ import annotations

from knarr.cli.electing import ELECTING
from knarr.cli.flags import API_FLAGS, CONTROLLER_FLAGS
from knarr.cli.parts import Serve, part
from knarr.cli.storing import STORING


def find() -> Serve:
    from knarr.cluster.server import serve

    return serve


HELP = "run the API server, controllers and scheduler in one process"
COMMAND = part("server", HELP, find, STORING, API_FLAGS, CONTROLLER_FLAGS, ELECTING)
