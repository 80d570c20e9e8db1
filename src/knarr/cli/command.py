"""What a command is, and how its arguments are read.

A command's file holds the frozen `COMMAND`; what it does is imported when it runs, so that `knarr --help` stays
instant.
"""

from __future__ import annotations

import argparse
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knarr.cluster.config import Config


def no_arguments(_: ArgumentParser) -> None:
    """For a command that takes none."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `arguments` declares them, `run` gets them parsed and returns the exit code."""

    name: str
    help: str
    run: Callable[[Namespace], int]
    arguments: Callable[[ArgumentParser], None] = no_arguments


def parse(arguments: Sequence[str]) -> Namespace:
    """Read the command line; ends the process on --help and on mistakes, as argparse does."""
    from knarr import __version__
    from knarr.cli.table import COMMANDS

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
        command.arguments(sub)
        sub.set_defaults(run=command.run)
    return parser.parse_args(arguments)


def cluster_argument(parser: ArgumentParser) -> None:
    """`--data-dir`: which cluster of this machine is meant."""
    default = os.environ.get("KNARR_DATA", "/var/lib/knarr")
    parser.add_argument("--data-dir", type=Path, default=Path(default), help="the cluster's folder")


def cluster_of(arguments: Namespace) -> Config:
    """The cluster that `--data-dir` names. Raises UserError where there is none."""
    from knarr.cluster.config import load
    from knarr.cluster.errors import UserError

    config = load(arguments.data_dir)
    if config is None:
        raise UserError(f"there is no cluster in {arguments.data_dir}; start one with: knarr up")
    return config
