"""`knarr server`: API server, controllers and scheduler in one process."""

from __future__ import annotations

from knarr.cli.electing import ELECTING
from knarr.cli.parts import Serve, part
from knarr.cli.storing import STORING


def find() -> Serve:
    from knarr.cluster.server import serve

    return serve


COMMAND = part("server", "run the API server, controllers and scheduler in one process", find, STORING, ELECTING)
