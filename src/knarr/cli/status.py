"""`knarr status`: what runs, since when, and how it is."""

from __future__ import annotations

from argparse import Namespace

from knarr.cli.command import Command, cluster_argument, cluster_of


def run(arguments: Namespace) -> int:
    from knarr.cluster.health import report

    lines, healthy = report(cluster_of(arguments))
    print("\n".join(lines))
    return 0 if healthy else 1


COMMAND = Command("status", "show what runs of the cluster and whether it is healthy", run, cluster_argument)
