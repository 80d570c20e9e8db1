"""What a command is, and how it finds the cluster that is meant.

A command's file holds the frozen `COMMAND`; what it does is imported when it runs, so that `knarr --help` stays
instant.
"""

from __future__ import annotations

import os
from argparse import SUPPRESS, ArgumentParser, Namespace
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


def cluster_argument(parser: ArgumentParser, *, again: bool = False) -> None:
    """`--data-dir`: which cluster of this machine is meant; `again` after an action whose command has it too."""
    default = Path(os.environ.get("KNARR_DATA", "/var/lib/knarr"))
    parser.add_argument("--data-dir", type=Path, default=SUPPRESS if again else default, help="the cluster's folder")


ETCD_FILES = {  # the configuration's fields of the same names; the flags are upstream's as far as it has them
    "etcd_cafile": "the file of the authority that etcd's certificate is of (default: those that the machine trusts)",
    "etcd_certfile": "the file of the certificate to show etcd",
    "etcd_keyfile": "the file of its key",
    "etcd_password_file": "the file of the password of the user that the datastore names",
}


ETCD_WAYS = {
    "etcd_prefix": "what etcd's keys begin with (default: /registry)",
    "etcd_compaction_interval": "how often the past is compacted, as 5m; 0 leaves that to others (default: 5m)",
}
ETCD = (*ETCD_FILES, *ETCD_WAYS)


def etcd_arguments(parser: ArgumentParser) -> None:
    """Who we are to etcd, as files, and how we keep things there."""
    for name, text in ETCD_FILES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=text, type=lambda path: str(Path(path).absolute()))
    for name, text in ETCD_WAYS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=text)


def kubeconfig_argument(parser: ArgumentParser, help: str, *, again: bool = False) -> None:
    """`--kubeconfig`: the user's own file; `again` after an action whose command has it too."""
    default = Path.home() / ".kube" / "config"
    parser.add_argument("--kubeconfig", type=Path, default=SUPPRESS if again else default, help=help)


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
