"""`knarr up`: start a cluster on this machine, or find it running."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from knarr.cli.command import ETCD, Command, cluster_argument, etcd_arguments, kubeconfig_argument, kubeconfig_of
from knarr.cli.flags import TOLD

if TYPE_CHECKING:
    from knarr.cluster.config import Config

NEXT = """
What to type next:
  kubectl get nodes                                  the cluster is kubectl's current context
  kubectl create deployment web --image=nginx        a first deployment
  kubectl expose deployment web --port=80            and its Service
  knarr status                                       what runs here
  knarr down                                         stop it; `knarr up` brings everything back
"""
CHOICES = {  # kept by the cluster for life; the configuration's fields of the same names
    "name": "the cluster's name, its context's and its network's",
    "node_name": "this node's name (default: the machine's)",
    "node_ip": "the address that others reach this node at (default: that of the default route)",
    "api_port": "the API server's port",
    "kubelet_port": "the kubelet's port",
    "dns_port": "the port of the cluster's DNS on the node",
    "registry_port": "the port of the registry for built images, on loopback",
    "service_cidr": "the Services' addresses",
    "pod_cidr": "this node's Pods' addresses",
    "node_ports": "the range of NodePorts",
    "datastore": "where the state is: sqlite:///path, etcd://host:port,... or memory: (default: a file in the folder)",
    "layout": "joined: one process for the server's parts and one for the node's; apart: one for each",
}


def arguments(parser: ArgumentParser) -> None:
    cluster_argument(parser)
    for name, text in CHOICES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=text)
    etcd_arguments(parser)
    for told in TOLD:
        told.declare(parser)
    kubeconfig_argument(parser, "where to add the context")


def run(arguments: Namespace) -> int:
    from knarr.client import kubeconfig
    from knarr.cluster import launch
    from knarr.cluster.identities import credentials

    config, path = chosen(arguments), kubeconfig_of(arguments)
    launch.up(config, print)
    kubeconfig.merge(path, kubeconfig.compose(config.name, credentials(config)))
    print(f'Context "{config.name}" is in {path} and in {config.admin_kubeconfig}\n{NEXT}')
    return 0


def chosen(arguments: Namespace) -> Config:
    """The cluster of the data directory, or a new one made of the flags.

    Raises UserError on flags that contradict it. What the parts are told may change from one start to the next.
    """
    import msgspec

    from knarr.cluster.completing import complete
    from knarr.cluster.config import Config, load
    from knarr.cluster.errors import UserError
    from knarr.cluster.launch import running

    given = {name: value for name in (*CHOICES, *ETCD) if (value := getattr(arguments, name)) is not None}
    try:
        wanted = msgspec.convert({**given, "data": str(arguments.data_dir.absolute())}, Config, strict=False)
    except msgspec.ValidationError as error:
        raise UserError(f"these flags do not make a cluster: {error}") from None
    existing = load(arguments.data_dir)
    if existing is None:
        return complete(_told(wanted, arguments))
    for name in given:
        if getattr(existing, name) != getattr(wanted, name):
            flag = f"--{name.replace('_', '-')}"
            raise UserError(
                f"the cluster in {arguments.data_dir} has {flag} {getattr(existing, name)}; "
                f"keep that, or begin anew with: knarr reset"
            )
    config = _told(existing, arguments)
    if config != existing and running(existing):
        raise UserError("what its parts are told changes with their start; stop the cluster before with: knarr down")
    return config


def _told(config: Config, arguments: Namespace) -> Config:
    """The configuration with what the parts are told by these flags."""
    for told in TOLD:
        config = told.choose(config, arguments)
    return config


COMMAND = Command("up", "start a cluster on this machine, or find it running", run, arguments)
