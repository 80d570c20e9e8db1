"""What one cluster on this machine is made of: names, addresses and folders, chosen at the first `knarr up` and kept.

Everything that must be unique on a machine is derived from the cluster's name or is a field here, so that several
clusters (a user's and a test's) live side by side.
"""

from __future__ import annotations

import ipaddress
import zlib
from pathlib import Path
from typing import Literal

import msgspec

from knarr.cluster.elections import Elections
from knarr.cluster.errors import UserError
from knarr.cluster.flags.table import APIFlags, ControllerFlags, KubeletFlags

DEFAULT_NAME = "knarr"
DEFAULT_DATA = Path("/var/lib/knarr")
IMAGE_CACHE = Path("/var/cache/knarr/registry")  # what `make images` fills; shared by all clusters of the machine


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The choices that a cluster keeps for life. Stored as `cluster.json` in its data directory."""

    name: str = DEFAULT_NAME
    data: str = str(DEFAULT_DATA)
    node_name: str = ""
    node_ip: str = ""
    roaming: bool = False  # the node's address is the machine's own, wherever that is at a start
    api_port: int = 6443
    kubelet_port: int = 10250
    dns_port: int = 10053
    registry_port: int = 5000
    service_cidr: str = "10.96.0.0/16"
    pod_cidr: str = "10.244.0.0/24"
    node_ports: str = "30000-32767"
    domain: str = "cluster.local"
    datastore: str = ""  # where the state is (cluster/datastore.py); the default is a file in the data directory
    etcd_cafile: str = ""  # of etcd, as absolute paths: whom to trust, who we are, and the password of a user
    etcd_certfile: str = ""
    etcd_keyfile: str = ""
    etcd_password_file: str = ""
    etcd_prefix: str = "/registry"  # what its keys begin with
    etcd_compaction_interval: str = "5m"  # a duration; 0 leaves compaction to others
    elections: Elections = Elections()
    api: APIFlags = APIFlags()  # what the API server is told besides, under upstream's names
    controllers: ControllerFlags = ControllerFlags()  # and what the controllers are
    kubelet: KubeletFlags = KubeletFlags()  # and the kubelet
    # Processes: joined, one for the server's parts and one for the node's; apart, one for each part.
    layout: Literal["joined", "apart"] = "joined"

    @property
    def root(self) -> Path:
        return Path(self.data)

    @property
    def label(self) -> str:
        """What the cluster's things on the machine are called, so that no two clusters share any."""
        return "knarr" if self.name == DEFAULT_NAME else f"knarr-{self.name}"

    @property
    def run(self) -> Path:
        """Sockets, locks and process ids: short-lived, and short enough a path for a Unix socket."""
        return Path("/run") / self.label

    @property
    def supervisor_pid(self) -> Path:
        """Where the supervisor says which process it is: as every part, in `<its name>.pid`."""
        return self.run / "supervisor.pid"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def database(self) -> Path:
        return self.root / "state.db"

    @property
    def admin_kubeconfig(self) -> Path:
        return self.root / "admin.kubeconfig"

    @property
    def containerd_state(self) -> Path:
        return self.run / "containerd"

    @property
    def containerd_socket(self) -> Path:
        return self.containerd_state / "containerd.sock"

    @property
    def bridge(self) -> str:
        """The pods' bridge; interface names have at most 15 characters."""
        name = self.name if len(self.name) <= 12 else f"{self.name[:6]}-{zlib.crc32(self.name.encode()):08x}"[:12]
        return "knarr0" if self.name == DEFAULT_NAME else f"kn-{name}"

    @property
    def network(self) -> str:
        """The Pod network, as CNI knows it."""
        return self.label

    @property
    def nft_table(self) -> str:
        return self.label

    @property
    def cgroup(self) -> str:
        return self.label

    @property
    def first_service_ip(self) -> str:
        """The `kubernetes` Service's address."""
        return str(ipaddress.ip_network(self.service_cidr)[1])

    @property
    def dns_ip(self) -> str:
        """The cluster DNS's address: upstream's installers take the tenth of the service range."""
        return str(ipaddress.ip_network(self.service_cidr)[10])

    @property
    def gateway(self) -> str:
        """The node's own address on the pods' bridge."""
        return str(ipaddress.ip_network(self.pod_cidr)[1])

    @property
    def ports(self) -> dict[str, int]:
        """Every port that is chosen, by its flag."""
        return {
            "api-port": self.api_port,
            "kubelet-port": self.kubelet_port,
            "dns-port": self.dns_port,
            "registry-port": self.registry_port,
        }

    @property
    def api_url(self) -> str:
        return f"https://127.0.0.1:{self.api_port}"


def path_of(data: Path) -> Path:
    """Where the cluster of a data directory keeps its configuration."""
    return data / "cluster.json"


def load(data: Path) -> Config | None:
    """The configuration of the cluster in this data directory, or None where there is none. Raises UserError."""
    path = path_of(data)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Config)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror} (run it with sudo)") from None
    except msgspec.DecodeError as error:
        raise UserError(f"{path} is damaged: {error}") from None


def save(config: Config) -> None:
    """Write the configuration, 0600, whole or not at all."""
    config.root.mkdir(parents=True, exist_ok=True)
    config.root.chmod(0o700)
    target = path_of(config.root)
    draft = target.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n")
    draft.replace(target)
