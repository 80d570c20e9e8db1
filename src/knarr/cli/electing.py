"""Which of several leads, told for one run: upstream's flags of the same names."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from knarr.cli.parts import Choices
from knarr.cli.reading import seconds, truth

if TYPE_CHECKING:
    from knarr.cluster.config import Config

_TIMES = {
    "lease_duration": "how long others wait for a leader that is silent (default: 15s)",
    "renew_deadline": "how long a leader tries to renew its lease before it gives up (default: 10s)",
    "retry_period": "how often a lease is renewed or tried for (default: 2s)",
}


def _arguments(parser: ArgumentParser) -> None:
    text = "work only while nobody else does (default: where the datastore may be shared)"
    parser.add_argument("--leader-elect", nargs="?", const=True, type=truth, metavar="true|false", help=text)
    for name, text in _TIMES.items():
        parser.add_argument(f"--leader-elect-{name.replace('_', '-')}", type=seconds, metavar="DURATION", help=text)
    parser.add_argument("--leader-elect-resource-namespace", help="where the leases are (default: kube-system)")


def _choose(config: Config, arguments: Namespace) -> Config:
    import msgspec

    from knarr.cluster.errors import UserError

    given = {name: getattr(arguments, f"leader_elect_{name}") for name in (*_TIMES, "resource_namespace")}
    given["elect"] = arguments.leader_elect
    chosen = {name: value for name, value in given.items() if value is not None}
    rules = msgspec.structs.replace(config.elections, **chosen)
    if said := rules.problems():
        raise UserError("; ".join(said))
    return msgspec.structs.replace(config, elections=rules)


ELECTING = Choices(_arguments, _choose)
