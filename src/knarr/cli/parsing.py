"""How the command line is read."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from knarr import __version__
from knarr.cli.table import COMMANDS


def parse(arguments: Sequence[str]) -> Namespace:
    """The command chosen, as `run`, with its arguments; --help and mistakes end the process, as argparse does."""
    parser = ArgumentParser("knarr", description="Kubernetes, written in Python: a whole cluster on this machine.")
    parser.add_argument("--version", action="version", version=f"knarr {__version__} (Kubernetes 1.36)")
    choices = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = choices.add_parser(
            command.name,
            help=command.help,
            description=command.help,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        if command.name in arguments[:1]:  # what others may be told need not be loaded
            command.arguments(sub)
        sub.set_defaults(run=command.run)
    return parser.parse_args(arguments)
