"""Where a server keeps its state, told for one run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from knarr.cli.command import ETCD, etcd_arguments
from knarr.cli.parts import Choices

if TYPE_CHECKING:
    from knarr.cluster.config import Config


def _arguments(parser: ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--datastore", help="sqlite:///path, etcd://host:port,... or memory: (default: the cluster's)")
    where.add_argument("--etcd-servers", help="the same for etcd, as upstream writes it: https://host:port,...")
    etcd_arguments(parser)


def _choose(config: Config, arguments: Namespace) -> Config:
    import msgspec

    from knarr.cluster.datastore import of_servers
    from knarr.cluster.errors import UserError
    from knarr.cluster.stores import problems

    given = {name: value for name in ("datastore", *ETCD) if (value := getattr(arguments, name)) is not None}
    if arguments.etcd_servers:
        given["datastore"] = of_servers(arguments.etcd_servers)
    config = msgspec.structs.replace(config, **given)
    if said := problems(config):
        raise UserError("; ".join(said))
    return config


STORING = Choices(_arguments, _choose)
