"""The commands, in the order of `knarr --help`."""

from knarr.cli.agent import COMMAND as AGENT
from knarr.cli.apiserver import COMMAND as APISERVER
from knarr.cli.certs import COMMAND as CERTS
from knarr.cli.controller_manager import COMMAND as CONTROLLER_MANAGER
from knarr.cli.dns import COMMAND as DNS
from knarr.cli.doctor import COMMAND as DOCTOR
from knarr.cli.down import COMMAND as DOWN
from knarr.cli.images import COMMAND as IMAGES
from knarr.cli.kubelet import COMMAND as KUBELET
from knarr.cli.proxy import COMMAND as PROXY
from knarr.cli.reset import COMMAND as RESET
from knarr.cli.scheduler import COMMAND as SCHEDULER
from knarr.cli.server import COMMAND as SERVER
from knarr.cli.status import COMMAND as STATUS
from knarr.cli.up import COMMAND as UP

COMMANDS = (
    UP,
    DOWN,
    STATUS,
    RESET,
    DOCTOR,
    IMAGES,
    CERTS,
    SERVER,
    AGENT,
    APISERVER,
    CONTROLLER_MANAGER,
    SCHEDULER,
    KUBELET,
    PROXY,
    DNS,
)
