"""Kubernetes' own signers of certificates, and what each may sign.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from knarr.api.certificates import Wanted

API_CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"
NODE_USER, NODE_GROUP = "system:node:", "system:nodes"  # what kubelets are called: the first with the node's name


def _client_refusal(wanted: Wanted, usages: Collection[str]) -> str:
    """Why this is no certificate for a client of the API server."""
    for usage in usages:
        if usage not in ("digital signature", "key encipherment", "client auth"):
            return f"invalid usage for client certificate: {usage}"
    return "" if "client auth" in usages else "missing required usage for client certificate: client auth"


def _kubelet_client_refusal(wanted: Wanted, usages: Collection[str]) -> str:
    """Why this is no certificate for a kubelet as a client."""
    names = (
        ("DNS", wanted.dns_names),
        ("Email", wanted.emails),
        ("IP", wanted.addresses),
        ("URI", wanted.uris),
    )
    return (
        _stranger(wanted)
        or next((_not_allowed(sort) for sort, values in names if values), "")
        or _nameless(wanted)
        or _other_usages(usages, "client auth")
    )


def _kubelet_serving_refusal(wanted: Wanted, usages: Collection[str]) -> str:
    """Why this is no certificate for a kubelet as a server."""
    return (
        _stranger(wanted)
        or ("" if wanted.dns_names or wanted.addresses else "DNS or IP subjectAltName is required")
        or (_not_allowed("Email") if wanted.emails else "")
        or (_not_allowed("URI") if wanted.uris else "")
        or _other_usages(usages, "server auth")
        or _nameless(wanted)
    )


def _stranger(wanted: Wanted) -> str:
    return "" if wanted.organizations == (NODE_GROUP,) else f"subject organization is not {NODE_GROUP}"


def _nameless(wanted: Wanted) -> str:
    ours = wanted.common_name.startswith(NODE_USER)
    return "" if ours else f"subject common name does not begin with {NODE_USER}"


def _not_allowed(sort: str) -> str:
    return f"{sort} subjectAltNames are not allowed"


def _other_usages(usages: Collection[str], purpose: str) -> str:
    """RSA keys also encipher keys; others cannot, and need not ask for it."""
    due = {"digital signature", "key encipherment", purpose}
    return "" if set(usages) in (due, due - {"key encipherment"}) else f"usages did not match [{' '.join(sorted(due))}]"


# Why a signer must not sign this for these usages, in upstream's words; "" if it may.
REFUSALS: Mapping[str, Callable[[Wanted, Collection[str]], str]] = {
    API_CLIENT: _client_refusal,
    KUBELET_CLIENT: _kubelet_client_refusal,
    KUBELET_SERVING: _kubelet_serving_refusal,
    LEGACY_UNKNOWN: lambda wanted, usages: "",
}
