"""What Knarr's own components need beyond upstream's roles."""

from __future__ import annotations

from knarr.api.signers import KUBELET_SERVING, NODE_GROUP
from knarr.apiserver.authz.defaults.notation import Binding, Role

_DNS, _SYSTEM = "knarr:kube-dns", "kube-system"
_SERVING = "knarr:controller:kubelet-serving-approver"
_REQUESTS = "system:certificates.k8s.io:certificatesigningrequests"
_JOINING = "system:bootstrappers:kubeadm:default-node-token"  # an extra group that a bootstrap token may have

ROLES: tuple[Role, ...] = (
    Role(
        _SERVING,
        f"""
        get: certificatesigningrequests in certificates.k8s.io
        update: certificatesigningrequests/approval in certificates.k8s.io
        approve: signers in certificates.k8s.io named {KUBELET_SERVING}
        """,
    ),
    # Upstream's for a DNS is from before EndpointSlices, and its installers make the DNS's Service, which ours does.
    Role(_DNS, "list watch: namespaces\nlist watch: endpointslices in discovery.k8s.io"),
    Role(
        _DNS,
        """
        create: services
        patch: services named kube-dns
        create patch: endpointslices in discovery.k8s.io
        """,
        _SYSTEM,
    ),
)

BINDINGS: tuple[Binding, ...] = (
    Binding("system:kubelet-api-admin", users=("kube-apiserver-kubelet-client",), name="knarr:kubelet-api-admin"),
    Binding(_SERVING, accounts=(f"{_SYSTEM}/kubelet-serving-approver",)),
    # Who may become a kubelet, and stay one; upstream's installer kubeadm grants the same to the same.
    Binding("system:node-bootstrapper", groups=(_JOINING,), name="knarr:kubelet-bootstrap"),
    Binding(f"{_REQUESTS}:nodeclient", groups=(_JOINING,), name="knarr:node-autoapprove-bootstrap"),
    Binding(f"{_REQUESTS}:selfnodeclient", groups=(NODE_GROUP,), name="knarr:node-autoapprove-certificate-rotation"),
    Binding("system:kube-dns", users=("system:kube-dns",), name="knarr:kube-dns:services"),
    Binding(_DNS, users=("system:kube-dns",)),
    Binding(_DNS, users=("system:kube-dns",), namespace=_SYSTEM, kind="Role"),
)
