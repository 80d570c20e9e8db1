"""Who may do what, until roles are objects: upstream's bootstrap policy, as far as these identities use it.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
"""

from __future__ import annotations

from knarr.apiserver.authn.users import ACCOUNTS, AUTHENTICATED, UNAUTHENTICATED
from knarr.apiserver.authz.identities import Identity
from knarr.apiserver.authz.roles import Role

READ = "get list watch"
EVENTS = {"events events.events.k8s.io": "create patch update"}
LEASES = {"leases.coordination.k8s.io": "create get update patch list watch"}
REVIEWS = (
    "selfsubjectreviews.authentication.k8s.io selfsubjectaccessreviews.authorization.k8s.io"
    " selfsubjectrulesreviews.authorization.k8s.io"
)
HEALTH = ("/healthz", "/livez", "/readyz", "/version", "/version/")

PUBLIC_INFO = Role("system:public-info-viewer", paths=HEALTH)

DISCOVERY = Role(
    "system:discovery", may={REVIEWS: "create"}, paths=(*HEALTH, "/api", "/api/*", "/apis", "/apis/*", "/openapi/*")
)

ISSUER_DISCOVERY = Role(
    "system:service-account-issuer-discovery", paths=("/.well-known/openid-configuration", "/openid/v1/jwks")
)

EVERYTHING = Role("cluster-admin", may={"*": "*"}, paths=("*",))

CONTROLLER_MANAGER = Role("system:kube-controller-manager", may={"*": "*"}, paths=("*",))

SCHEDULER = Role(
    "system:kube-scheduler",
    may={
        **EVENTS,
        **LEASES,
        "nodes namespaces services replicationcontrollers persistentvolumes persistentvolumeclaims": READ,
        "replicasets.apps statefulsets.apps poddisruptionbudgets.policy": READ,
        "storageclasses.storage.k8s.io csinodes.storage.k8s.io csidrivers.storage.k8s.io": READ,
        "csistoragecapacities.storage.k8s.io volumeattachments.storage.k8s.io": READ,
        "pods": f"{READ} delete",
        "pods/binding bindings": "create",
        "pods/status": "patch update",
    },
)

NODE = Role(
    "system:node",
    may={
        **EVENTS,
        "leases.coordination.k8s.io": "create get update patch",
        "services namespaces configmaps secrets": READ,
        "persistentvolumes persistentvolumeclaims": "get list watch",
        "nodes": f"{READ} create update patch",
        "nodes/status": "patch update",
        "pods": f"{READ} create delete",
        "pods/status": "patch update",
        "pods/eviction": "create",
        "serviceaccounts": "get",
        "serviceaccounts/token": "create",
        "runtimeclasses.node.k8s.io csidrivers.storage.k8s.io": READ,
        "tokenreviews.authentication.k8s.io subjectaccessreviews.authorization.k8s.io": "create",
        "certificatesigningrequests.certificates.k8s.io": f"{READ} create",
    },
    own=frozenset(("nodes", "leases.coordination.k8s.io")),
)

PROXY = Role(
    "system:node-proxier",
    may={**EVENTS, "services endpoints nodes": READ, "endpointslices.discovery.k8s.io": READ},
)

DNS = Role(
    "system:kube-dns",
    may={**EVENTS, "services endpoints pods namespaces nodes": READ, "endpointslices.discovery.k8s.io": READ},
)

DNS_SERVICE = Role(
    "knarr:kube-dns", may={"services": "create patch", "endpointslices.discovery.k8s.io": "create patch"}
)

OWN_NAMESPACE = Role(
    "knarr:service-account",
    may={
        "pods pods/log services endpoints configmaps events serviceaccounts replicationcontrollers": READ,
        "persistentvolumeclaims limitranges resourcequotas namespaces": READ,
    },
)

IDENTITIES: tuple[Identity, ...] = (
    Identity(UNAUTHENTICATED, PUBLIC_INFO),
    Identity(AUTHENTICATED, DISCOVERY),
    Identity("system:apiserver", EVERYTHING),
    Identity("system:kube-controller-manager", CONTROLLER_MANAGER),
    Identity("system:kube-scheduler", SCHEDULER),
    Identity("system:nodes", NODE),
    Identity("system:kube-proxy", PROXY),
    Identity("system:kube-dns", DNS),
    Identity("system:kube-dns", DNS_SERVICE, namespace="kube-system"),
    Identity(ACCOUNTS, OWN_NAMESPACE, own_namespace=True),
    Identity(ACCOUNTS, ISSUER_DISCOVERY),
)
