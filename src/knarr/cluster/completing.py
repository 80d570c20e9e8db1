"""From what a user has chosen to a whole configuration: checked, and with what the machine decides filled in."""

from __future__ import annotations

import ipaddress
import re
import socket

import msgspec

from knarr.cluster import stores
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.machinery.names import dns1123_label, dns1123_subdomain


def own_address() -> str:
    """The address that other machines would reach this one at, or "" where there is no route to anywhere.

    Connecting a UDP socket sends nothing: it only asks the kernel which source address it would use.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _port_problem(port: int) -> list[str]:
    return [] if 0 < port < 1 << 16 else [f"{port} is no port: they go from 1 to 65535"]


def _range_problem(ports: str) -> list[str]:
    found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", ports)
    return [] if found and 0 < int(found[1]) <= int(found[2]) < 1 << 16 else [f"{ports} is no range like 30000-32767"]


def _address_problem(address: str) -> list[str]:
    try:
        ipaddress.IPv4Address(address or "0.0.0.0")
    except ValueError as error:
        return [str(error)]
    return []


def _network_problem(cidr: str) -> list[str]:
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        return [str(error)]
    return [] if network.num_addresses >= 16 else [f"{cidr} has too few addresses: /28 is the least"]


def moved(config: Config) -> Config:
    """The same cluster where its machine is now: a laptop's address changes between one start and the next."""
    if not config.roaming:
        return config
    return msgspec.structs.replace(config, node_ip=own_address() or config.gateway)


def complete(config: Config) -> Config:
    """Fill in what the machine decides: the node's name and address.

    A machine without any network is still a node: the pods' bridge gives it an address. Raises UserError.
    """
    name = config.node_name or socket.gethostname().split(".")[0].lower()
    problems = {
        "--name": dns1123_label(config.name) or ["at most 32 characters"][: len(config.name) > 32],
        "--node-name": dns1123_subdomain(name),
        **{f"--{flag}": _port_problem(port) for flag, port in config.ports.items()},
        "--node-ip": _address_problem(config.node_ip),
        "--pod-cidr": _network_problem(config.pod_cidr),
        "--service-cidr": _network_problem(config.service_cidr),
        "--node-ports": _range_problem(config.node_ports),
        "--datastore": stores.problems(config),
    }
    for flag, said in problems.items():
        if said:
            raise UserError(f"{flag} cannot be so: {'; '.join(said)}")
    return moved(msgspec.structs.replace(config, node_name=name, roaming=not config.node_ip))
