"""Which subresources are answered here, by resource and subresource."""

from __future__ import annotations

from knarr.apiserver.app import Handler
from knarr.apiserver.registry import Lister
from knarr.apiserver.streaming.kubelets import Kubelets
from knarr.apiserver.streaming.pods import PodStreams
from knarr.apiserver.streaming.proxies import Proxies


def streaming(lister: Lister, kubelets: Kubelets) -> dict[tuple[str, str], Handler]:
    """The handlers, for `Application(handlers=...)`."""
    pods, proxies = PodStreams(lister, kubelets), Proxies(lister, kubelets)
    return {
        ("pods", "log"): pods.log,
        ("pods", "exec"): pods.exec,
        ("pods", "attach"): pods.attach,
        ("pods", "portforward"): pods.port_forward,
        ("pods", "proxy"): proxies.pod,
        ("services", "proxy"): proxies.service,
        ("nodes", "proxy"): proxies.node,
    }
