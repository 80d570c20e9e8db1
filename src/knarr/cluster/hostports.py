"""What CNI's portmap plugin has put into the kernel's NAT table for Pods' host ports goes with the cluster.

portmap itself removes a Pod's rules only where the Pod's network is taken down in order, and never the chains that all
networks of the machine share. A rule that stays would go on sending the port's traffic to an address that nobody has.
Source: https://www.cni.dev/plugins/current/meta/portmap/
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Sequence

DISPATCH = "CNI-HOSTPORT-DNAT"
SHARED = (DISPATCH, "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ")
Rule = list[str]


def sweep_host_ports(network: str) -> None:
    """Remove the network's rules, and what is shared once it serves nobody. A machine without iptables has none."""
    try:
        if _nat("--list-rules", DISPATCH).returncode:
            return
    except FileNotFoundError:
        return
    for removal in removals(_nat("--list-rules").stdout, network):
        _nat(*removal)
    for family in ("ip", "ip6"):
        if is_empty(_nft("list", "table", family, "nat").stdout):
            _nft("delete", "table", family, "nat")


def removals(listing: str, network: str) -> Iterator[Rule]:
    """The arguments of iptables, one call after another, given what `iptables --table nat --list-rules` prints."""
    rules = [rule for line in listing.splitlines() if (rule := shlex.split(line))[:1] == ["-A"]]
    dispatched = [rule for rule in rules if rule[1] == DISPATCH]
    ours = [rule for rule in dispatched if f'dnat name: "{network}" ' in _after(rule, "--comment")]
    for rule in ours:
        yield ["-D", *rule[1:]]
    yield from _without_chains([_after(rule, "-j") for rule in ours])
    if len(ours) == len(dispatched):
        yield from (["-D", *rule[1:]] for rule in rules if _after(rule, "-j") in SHARED and rule[1] not in SHARED)
        yield from _without_chains(SHARED)


def is_empty(table: str) -> bool:
    """Whether a table, as `nft list table` prints it, is just what iptables makes at its first call, with no rule."""
    lines = [line.strip() for line in table.splitlines()]
    return bool(lines) and all(line.startswith(("table ", "chain ", "type ", "}")) or not line for line in lines)


def _without_chains(chains: Sequence[str]) -> Iterator[Rule]:
    """They refer to each other, so all are emptied before the first goes."""
    for flag in ("-F", "-X"):
        yield from ([flag, chain] for chain in dict.fromkeys(chains))


def _after(rule: Rule, option: str) -> str:
    return rule[rule.index(option) + 1] if option in rule else ""


def _nft(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["nft", *arguments], check=False, capture_output=True, text=True)


def _nat(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Waits for its turn, as the table may be changed by others."""
    command = ["iptables", "--wait", "5", "--table", "nat", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)
