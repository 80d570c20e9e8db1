"""Flags about how the API server reaches kubelets."""

from __future__ import annotations

from typing import Annotated

from knarr.cluster.flags.notation import File, Flags, Text


class Kubelets(Flags, frozen=True, kw_only=True):
    """Whom the server believes to be a kubelet, and who it is to them; those of the cluster's own folder if empty."""

    kubelet_certificate_authority: Annotated[
        File, Text(description="the authorities that vouch for kubelets' serving certificates")
    ] = File("")
    kubelet_client_certificate: Annotated[File, Text(description="the certificate to show kubelets")] = File("")
    kubelet_client_key: Annotated[File, Text(description="its key")] = File("")

    def problems(self) -> list[str]:
        if bool(self.kubelet_client_certificate) != bool(self.kubelet_client_key):
            return ["--kubelet-client-certificate and --kubelet-client-key must be specified together"]
        return []
