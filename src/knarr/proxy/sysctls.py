"""The kernel's settings that services need.

route_localnet is not among them: it would make the node's loopback reachable from its network (CVE-2020-8558).
"""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)

_ROOT = Path("/proc/sys")

WANTED = {
    "net/ipv4/ip_forward": "1",
    # Without it an answer from Pod to Pod on one bridge bypasses the translation and comes from the wrong address.
    "net/bridge/bridge-nf-call-iptables": "1",
}


def ensure(root: Path = _ROOT) -> None:
    """Set what differs; what cannot be set is logged in one line."""
    refused = {name: reason for name, value in WANTED.items() if (reason := _set(root / name, value))}
    if refused:
        log.warning(
            "services may not be reachable from Pods, as these settings of the kernel could not be made: %s",
            ", ".join(f"{name.replace('/', '.')}={WANTED[name]} ({reason})" for name, reason in refused.items()),
        )


def _set(file: Path, value: str) -> str:
    """Why it could not be set, or nothing."""
    try:
        if file.read_text().strip() != value:
            file.write_text(value)
    except FileNotFoundError:
        return "there is no such setting; is the module br_netfilter loaded?"
    except OSError as error:
        return error.strerror or str(error)
    return ""
