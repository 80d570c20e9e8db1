"""Flags about how the kubelet comes by its certificates.

https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/
"""

from __future__ import annotations

from typing import Annotated

from knarr.cluster.flags.notation import File, Flags, Text


class Rotation(Flags, frozen=True, kw_only=True):
    """Without a bootstrap kubeconfig, the first certificates are those that the cluster was made with."""

    rotate_certificates: Annotated[
        bool, Text(description="ask for another client certificate before the old one ends")
    ] = True
    rotate_server_certificates: Annotated[
        bool, Text(description="the same for the certificate that the kubelet serves with")
    ] = True
    bootstrap_kubeconfig: Annotated[
        File, Text(description="the kubeconfig whose token gets the kubelet its first client certificate")
    ] = File("")
    cert_dir: Annotated[
        File, Text(description="the folder of the kubelet's certificates; pki/kubelet in the cluster's if empty")
    ] = File("")

    def problems(self) -> list[str]:
        if self.bootstrap_kubeconfig and not self.rotate_certificates:
            return ["--bootstrap-kubeconfig is of no use with --rotate-certificates=false"]
        return []
