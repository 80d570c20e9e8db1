"""`knarr apiserver`: the API server alone."""

from __future__ import annotations

from knarr.cli.flags import API_FLAGS
from knarr.cli.parts import Serve, part
from knarr.cli.storing import STORING


def find() -> Serve:
    from knarr.cluster.apiserver.server import serve

    return serve


COMMAND = part("apiserver", "run the API server alone", find, STORING, API_FLAGS)
