"""`knarr down`: stop the cluster; its state stays."""

from __future__ import annotations

from argparse import Namespace

from knarr.cli.command import Command, cluster_argument, cluster_of


def run(arguments: Namespace) -> int:
    from knarr.cluster import launch

    launch.down(cluster_of(arguments), print)
    return 0


COMMAND = Command("down", "stop the cluster and its containers; its state stays on disk", run, cluster_argument)
