"""What the commands share that run one part of a cluster in the foreground."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from knarr.cli.command import ETCD_FILES, Command, cluster_argument, cluster_of, etcd_arguments

if TYPE_CHECKING:
    from knarr.cluster.config import Config
    from knarr.machinery.clock import Clock

Serve = Callable[["Config", "Clock"], Coroutine[Any, Any, None]]


def part(name: str, help: str, find: Callable[[], Serve], *, stores: bool = False) -> Command:
    """A command that runs what `find` imports, until SIGTERM; one that `stores` may be told where, for this run."""

    def run(arguments: Namespace) -> int:
        from knarr.cluster.running import run_part
        from knarr.machinery.clock import RealClock

        config = configured(arguments) if stores else cluster_of(arguments)
        serve = find()
        supervised = config if arguments.supervised else None
        return run_part(lambda: serve(config, RealClock()), supervised)

    return Command(name, help, run, _storing_arguments if stores else _arguments)


def configured(arguments: Namespace) -> Config:
    """The cluster of the arguments, on the datastore that they name, if any. Raises UserError."""
    import msgspec

    from knarr.cluster.datastore import of_servers, problems
    from knarr.cluster.errors import UserError

    config = cluster_of(arguments)
    given = {name: value for name in ("datastore", *ETCD_FILES) if (value := getattr(arguments, name)) is not None}
    if arguments.etcd_servers:
        given["datastore"] = of_servers(arguments.etcd_servers)
    config = msgspec.structs.replace(config, **given)
    if said := problems(config):
        raise UserError("; ".join(said))
    return config


def _storing_arguments(parser: ArgumentParser) -> None:
    _arguments(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--datastore", help="sqlite:///path, etcd://host:port,... or memory: (default: the cluster's)")
    where.add_argument("--etcd-servers", help="the same for etcd, as upstream writes it: https://host:port,...")
    etcd_arguments(parser)


def _arguments(parser: ArgumentParser) -> None:
    cluster_argument(parser)
    parser.add_argument("--supervised", action="store_true", help="keep the cluster's supervisor alive as well")
