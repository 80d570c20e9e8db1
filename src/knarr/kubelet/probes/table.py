"""All ways to ask a container how it is."""

from knarr.kubelet.probes import exec as command
from knarr.kubelet.probes import grpc, http_get, tcp_socket
from knarr.kubelet.probes.check import Check

CHECKS: tuple[Check, ...] = (
    command.CHECK,
    http_get.CHECK,
    tcp_socket.CHECK,
    grpc.CHECK,
)
