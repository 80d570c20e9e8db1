"""What the commands share that run one part of a cluster in the foreground."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knarr.cli.command import Command, cluster_argument, cluster_of

if TYPE_CHECKING:
    from knarr.cluster.config import Config
    from knarr.machinery.clock import Clock

Serve = Callable[["Config", "Clock"], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a part may be told for this run alone: `arguments` declares the flags, `choose` brings them into the
    configuration and raises UserError where they do not fit.
    """

    arguments: Callable[[ArgumentParser], None]
    choose: Callable[[Config, Namespace], Config]


def part(name: str, help: str, find: Callable[[], Serve], *choices: Choices) -> Command:
    """A command that runs what `find` imports, until SIGTERM."""

    def run(arguments: Namespace) -> int:
        from knarr.cluster.running import run_part
        from knarr.machinery.clock import RealClock

        config = configured(arguments, choices)
        serve = find()
        supervised = config if arguments.supervised else None
        return run_part(lambda: serve(config, RealClock()), supervised)

    def declare(parser: ArgumentParser) -> None:
        cluster_argument(parser)
        parser.add_argument("--supervised", action="store_true", help="keep the cluster's supervisor alive as well")
        for each in choices:
            each.arguments(parser)

    return Command(name, help, run, declare)


def configured(arguments: Namespace, choices: Sequence[Choices]) -> Config:
    """The cluster of the arguments, as they choose it. Raises UserError."""
    config = cluster_of(arguments)
    for each in choices:
        config = each.choose(config, arguments)
    return config
