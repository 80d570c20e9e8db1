"""`knarr reset`: stop the cluster and forget it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from knarr.cli.command import Command, cluster_argument, cluster_of, kubeconfig_argument, kubeconfig_of


def arguments(parser: ArgumentParser) -> None:
    cluster_argument(parser)
    kubeconfig_argument(parser, "where its context is")


def run(arguments: Namespace) -> int:
    from knarr.client import kubeconfig
    from knarr.cluster import launch

    config, path = cluster_of(arguments), kubeconfig_of(arguments)
    launch.reset(config, print)
    kubeconfig.remove(path, config.name)
    return 0


COMMAND = Command("reset", "stop the cluster and remove all of its state, with its context", run, arguments)
