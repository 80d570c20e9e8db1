"""`knarr images`: the images of this node's container runtime."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from knarr.cli.command import Command, cluster_argument, cluster_of


def arguments(parser: ArgumentParser) -> None:
    cluster_argument(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    load = actions.add_parser("load", help="bring an image archive (docker save, OCI layout) into the runtime")
    load.add_argument("file", type=Path)
    listing = actions.add_parser("list", help="list the images (the default)")
    serving = actions.add_parser("serve", help="serve the images that `make images` built to this cluster")
    for action in (load, listing, serving):
        cluster_argument(action, again=True)


def run(arguments: Namespace) -> int:
    from knarr.cluster import images

    config = cluster_of(arguments)
    match arguments.action:
        case "load":
            for name in images.load(config, arguments.file):
                print(f"loaded {name}")
        case "serve":
            images.serve(config)
        case _:
            for line in images.listed(config):
                print(line)
    return 0


COMMAND = Command("images", "list, load or serve images of this node", run, arguments)
