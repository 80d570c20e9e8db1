"""Flags about how the controllers sign certificates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from knarr.cluster.flags.notation import File, Flags, Text

ALL = "cluster_signing"  # what the flags of the authority of all signers begin with; those of one go on with its name
_YEAR = 8760 * 3600.0  # seconds
_KEY = Text(description="its key")
_API_CLIENT = "that of kubernetes.io/kube-apiserver-client alone; signers that have none do not sign then"


class Signing(Flags, frozen=True, kw_only=True):
    """The authorities that sign, the cluster's own if none is given, and for how long."""

    cluster_signing_cert_file: Annotated[File, Text(description="the authority that signs")] = File("")
    cluster_signing_key_file: Annotated[File, _KEY] = File("")
    cluster_signing_duration: Annotated[float, Text(description="the longest life of a certificate")] = _YEAR
    cluster_signing_kube_apiserver_client_cert_file: Annotated[File, Text(description=_API_CLIENT)] = File("")
    cluster_signing_kube_apiserver_client_key_file: Annotated[File, _KEY] = File("")
    cluster_signing_kubelet_client_cert_file: Annotated[
        File, Text(description="that of kubernetes.io/kube-apiserver-client-kubelet alone")
    ] = File("")
    cluster_signing_kubelet_client_key_file: Annotated[File, _KEY] = File("")
    cluster_signing_kubelet_serving_cert_file: Annotated[
        File, Text(description="that of kubernetes.io/kubelet-serving alone")
    ] = File("")
    cluster_signing_kubelet_serving_key_file: Annotated[File, _KEY] = File("")
    cluster_signing_legacy_unknown_cert_file: Annotated[
        File, Text(description="that of kubernetes.io/legacy-unknown alone")
    ] = File("")
    cluster_signing_legacy_unknown_key_file: Annotated[File, _KEY] = File("")

    def pairs(self) -> Iterator[tuple[str, File, File]]:
        """The authorities that are given: what their flags begin with, certificate and key."""
        for name in self.__struct_fields__:
            if name.endswith("_cert_file"):
                beginning = name.removesuffix("_cert_file")
                certificate, key = getattr(self, name), getattr(self, f"{beginning}_key_file")
                if certificate or key:
                    yield beginning, certificate, key

    def problems(self) -> list[str]:
        given = list(self.pairs())
        found = [
            f"{_flag(beginning)}-cert-file and {_flag(beginning)}-key-file must be specified together"
            for beginning, certificate, key in given
            if not (certificate and key)
        ]
        if len(given) > 1 and any(beginning == ALL for beginning, *_ in given):
            found.append(f"{_flag(ALL)}-cert-file: cannot specify default and per controller certs at the same time")
        if self.cluster_signing_duration <= 0:
            found.append(f"{_flag(ALL)}-duration must be more than nothing")
        return found


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
