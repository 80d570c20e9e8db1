"""What the commands share that run one part of a cluster in the foreground."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from knarr.cli.command import Command, cluster_argument, cluster_of

if TYPE_CHECKING:
    from knarr.cluster.config import Config
    from knarr.machinery.clock import Clock

Serve = Callable[["Config", "Clock"], Coroutine[Any, Any, None]]


def part(name: str, help: str, find: Callable[[], Serve]) -> Command:
    """A command that runs what `find` imports, until SIGTERM."""

    def run(arguments: Namespace) -> int:
        from knarr.cluster.running import run_part
        from knarr.machinery.clock import RealClock

        config = cluster_of(arguments)
        serve = find()
        supervised = config if arguments.supervised else None
        return run_part(lambda: serve(config, RealClock()), supervised)

    return Command(name, help, run, _arguments)


def _arguments(parser: ArgumentParser) -> None:
    cluster_argument(parser)
    parser.add_argument("--supervised", action="store_true", help="keep the cluster's supervisor alive as well")
