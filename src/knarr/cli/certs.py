"""`knarr certs`: the cluster's certificates, how long they hold, and renewing them at once."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace
from typing import TYPE_CHECKING

from knarr.cli.command import Command, cluster_argument, cluster_of, kubeconfig_argument, kubeconfig_of

if TYPE_CHECKING:
    from pathlib import Path

    from knarr.cluster.config import Config


def arguments(parser: ArgumentParser) -> None:
    cluster_argument(parser)
    kubeconfig_argument(parser, "where else the admin's certificate is")
    _output_argument(parser, "table")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    show = actions.add_parser("show", help="show them (the default); the exit code says whether all hold")
    renew = actions.add_parser("renew", help="make some anew now; whatever runs takes them up by itself")
    renew.add_argument("names", nargs="+", metavar="NAME", help="a certificate's name as shown, or all")
    for action in (show, renew):
        cluster_argument(action, again=True)
        kubeconfig_argument(action, "where else the admin's certificate is", again=True)
        _output_argument(action, SUPPRESS)


def _output_argument(parser: ArgumentParser, default: str) -> None:
    parser.add_argument("-o", "--output", choices=("table", "json"), default=default, help="how to show them")


def run(arguments: Namespace) -> int:
    config, kubeconfig = cluster_of(arguments), kubeconfig_of(arguments)
    if arguments.action == "renew":
        _renew(config, kubeconfig, arguments.names)
    return _show(config, kubeconfig, arguments.output)


def _renew(config: Config, kubeconfig: Path, names: list[str]) -> None:
    from datetime import UTC, datetime

    from knarr.client.kubeconfig import compose, merge
    from knarr.cluster.errors import UserError
    from knarr.cluster.identities import credentials, is_known_to
    from knarr.cluster.pki.certificates import chosen_leaves, renew

    try:
        renew(config, chosen_leaves(config, names), datetime.now(UTC))
        if is_known_to(config, kubeconfig):
            merge(kubeconfig, compose(config.name, credentials(config)), make_current=False)
    except OSError as error:
        raise UserError(f"{error.filename} cannot be written: {error.strerror}") from None


def _show(config: Config, kubeconfig: Path, output: str) -> int:
    from datetime import UTC, datetime

    import msgspec

    from knarr.cluster.pki.inventory import inventory, table

    found = [*inventory(config, kubeconfig, datetime.now(UTC))]
    if output == "json":
        print(msgspec.json.format(msgspec.json.encode({"certificates": found}), indent=2).decode())
    else:
        print("\n".join(table(found)))
    return 0 if all(entry.is_well for entry in found) else 1


COMMAND = Command("certs", "show the cluster's certificates and how long they hold, or renew them", run, arguments)
