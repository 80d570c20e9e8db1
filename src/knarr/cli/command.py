"""What a command is, and how it finds the cluster that is meant.

A command's file holds the frozen `COMMAND`; what it does is imported when it runs, so that `knarr --help` stays
instant.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
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


def cluster_argument(parser: ArgumentParser) -> None:
    """`--data-dir`: which cluster of this machine is meant."""
    default = os.environ.get("KNARR_DATA", "/var/lib/knarr")
    parser.add_argument("--data-dir", type=Path, default=Path(default), help="the cluster's folder")


def kubeconfig_argument(parser: ArgumentParser, help: str) -> None:
    """`--kubeconfig`: the user's own file."""
    parser.add_argument("--kubeconfig", type=Path, default=Path.home() / ".kube" / "config", help=help)


def kubeconfig_of(arguments: Namespace) -> Path:
    """The file that `--kubeconfig` names. Raises UserError, before anything is touched, where it cannot be changed."""
    from knarr.client.kubeconfig import KubeconfigError, check
    from knarr.cluster.errors import UserError

    path: Path = arguments.kubeconfig
    try:
        check(path)
    except KubeconfigError as error:
        raise UserError(f"{error}; mend it, or name another file with --kubeconfig") from None
    return path


def cluster_of(arguments: Namespace) -> Config:
    """The cluster that `--data-dir` names. Raises UserError where there is none."""
    from knarr.cluster.config import load
    from knarr.cluster.errors import UserError

    config = load(arguments.data_dir)
    if config is None:
        raise UserError(f"there is no cluster in {arguments.data_dir}; start one with: knarr up")
    return config
