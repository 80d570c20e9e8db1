"""`knarr reset`: stop the cluster and forget it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from knarr.cli.command import Command, cluster_argument, cluster_of


def arguments(parser: ArgumentParser) -> None:
    cluster_argument(parser)
    parser.add_argument(
        "--kubeconfig", type=Path, default=Path.home() / ".kube" / "config", help="where its context is"
    )


def run(arguments: Namespace) -> int:
    from knarr.client import kubeconfig
    from knarr.cluster import launch

    config = cluster_of(arguments)
    launch.reset(config, print)
    kubeconfig.remove(arguments.kubeconfig, config.name)
    return 0


COMMAND = Command("reset", "stop the cluster and remove all of its state, with its context", run, arguments)
