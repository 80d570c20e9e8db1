"""Name resolution inside pods: what goes into their /etc/resolv.conf and /etc/hosts.

Source: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from knarr.kubelet.cri.runtime import DNS
from knarr.kubelet.interfaces import Addresses, ConfigError
from knarr.kubelet.objects import DNSOption, HostAlias, Pod

LONGEST_HOSTNAME = 64  # of the kernel, in characters
MOST_NAMESERVERS, MOST_SEARCHES = 3, 32
CLUSTER_OPTIONS = ("ndots:5",)


@dataclass(frozen=True, slots=True)
class ClusterDNS:
    """The cluster's DNS servers and domain, and the resolver configuration that the host itself uses."""

    servers: tuple[str, ...] = ()
    domain: str = "cluster.local"
    host: DNS = field(default_factory=DNS)


def parse_resolv_conf(text: str) -> DNS:
    """A host's resolv.conf (resolv.conf(5)); the last `search` line counts."""
    servers: list[str] = []
    searches: tuple[str, ...] = ()
    options: list[str] = []
    for keyword, *values in filter(None, (line.split() for line in text.splitlines())):
        match keyword:
            case "nameserver":
                servers += values[:1]
            case "search" | "domain":
                searches = tuple(value for value in values if value != ".")
            case "options":
                options += values
    return DNS(tuple(servers), searches, tuple(options))


def pod_dns(pod: Pod, cluster: ClusterDNS) -> DNS:
    """The pod's resolver configuration: its policy's, with what the pod adds."""
    policy = pod.spec.dns_policy
    if policy == "ClusterFirst" and pod.spec.host_network:
        policy = "Default"
    if not cluster.servers and policy.startswith("ClusterFirst"):
        policy = "Default"
    if policy == "None":
        return with_config(DNS(), pod)
    if policy == "Default":
        return with_config(cluster.host, pod)
    namespace = pod.metadata.namespace
    searches = (f"{namespace}.svc.{cluster.domain}", f"svc.{cluster.domain}", cluster.domain)
    return with_config(DNS(cluster.servers, unique((*searches, *cluster.host.searches)), CLUSTER_OPTIONS), pod)


def with_config(base: DNS, pod: Pod) -> DNS:
    config = pod.spec.dns_config
    return DNS(
        unique((*base.servers, *config.nameservers))[:MOST_NAMESERVERS],
        unique((*base.searches, *config.searches))[:MOST_SEARCHES],
        merge_options(base.options, config.options),
    )


def unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def merge_options(base: Iterable[str], added: Iterable[DNSOption]) -> tuple[str, ...]:
    """By name, the pod's winning."""
    options = {option.partition(":")[0]: option for option in base}
    for option in added:
        options[option.name] = f"{option.name}:{option.value}" if option.value else option.name
    return tuple(options.values())


def hostname(pod: Pod) -> str:
    """At most 63 characters, as a host's name may have; an override may have 64, and no name in DNS (KEP-4762)."""
    return pod.spec.hostname_override or (pod.spec.hostname or pod.metadata.name)[:63].rstrip("-.")


def full_name(pod: Pod, domain: str) -> str:
    """The pod's name in DNS; "" without a subdomain."""
    if not pod.spec.subdomain or pod.spec.hostname_override:
        return ""
    return f"{hostname(pod)}.{pod.spec.subdomain}.{pod.metadata.namespace}.svc.{domain}"


def sandbox_hostname(pod: Pod, domain: str) -> str:
    """What `hostname` prints inside; a pod on the host's network has the host's. Raises ConfigError."""
    if pod.spec.host_network:
        return ""
    full = full_name(pod, domain) if pod.spec.set_hostname_as_fqdn else ""
    if len(full) > LONGEST_HOSTNAME:
        text = f"FQDN {full} is too long ({LONGEST_HOSTNAME} characters is the max, {len(full)} characters requested)"
        raise ConfigError(f"Failed to construct FQDN from Pod hostname and cluster domain, {text}")
    return full or hostname(pod)


def hosts_file(pod: Pod, addresses: Addresses, domain: str, host_file: str) -> str:
    """The pod's /etc/hosts: its own name, or the host's file where it shares the network, and its aliases."""
    if pod.spec.host_network:
        lines = ["# Kubernetes-managed hosts file (host network).", host_file.rstrip("\n")]
    else:
        names = "\t".join(filter(None, (full_name(pod, domain), hostname(pod))))
        lines = [
            "# Kubernetes-managed hosts file.",
            "127.0.0.1\tlocalhost",
            "::1\tlocalhost ip6-localhost ip6-loopback",
            "fe00::\tip6-localnet",
            "fe00::\tip6-mcastprefix",
            "fe00::1\tip6-allnodes",
            "fe00::2\tip6-allrouters",
            *(f"{ip}\t{names}" for ip in addresses.pod_ips),
        ]
    return "\n".join([*lines, *aliases(pod.spec.host_aliases)]) + "\n"


def aliases(wanted: tuple[HostAlias, ...]) -> list[str]:
    if not wanted:
        return []
    return ["", "# Entries added by HostAliases.", *("\t".join((a.ip, *a.hostnames)) for a in wanted)]
