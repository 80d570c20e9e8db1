"""The ClusterRoles for users, components and add-ons, and who has them."""

from __future__ import annotations

from knarr.apiserver.authn.users import ACCOUNTS, AUTHENTICATED, MASTERS, UNAUTHENTICATED
from knarr.apiserver.authz.defaults.notation import EVENTS, Binding, Role

_SCHEDULER, _SIGNERS = "system:kube-scheduler", "system:certificates.k8s.io"

# What the Node authorizer grants to a kubelet; nobody is bound to it.
NODE = Role(
    "system:node",
    """
    create: tokenreviews in authentication.k8s.io
    create: localsubjectaccessreviews subjectaccessreviews in authorization.k8s.io
    read: services
    read create: nodes
    patch update: nodes/status
    patch update: nodes
    create patch update: events
    read: pods
    create delete: pods
    patch update: pods/status
    create: pods/eviction
    read: configmaps secrets
    get: persistentvolumeclaims persistentvolumes
    get: endpoints
    read create: certificatesigningrequests in certificates.k8s.io
    create delete get patch update: leases in coordination.k8s.io
    get: volumeattachments in storage.k8s.io
    create: serviceaccounts/token
    get patch update: persistentvolumeclaims/status
    read: csidrivers in storage.k8s.io
    create delete get patch update: csinodes in storage.k8s.io
    read: runtimeclasses in node.k8s.io
    get: resourceclaims in resource.k8s.io
    deletecollection: resourceslices in resource.k8s.io
    get: serviceaccounts
    """,
)

_FOR_USERS = (
    Role("cluster-admin", "*: * in *\n*: *"),
    Role("admin", gathers="admin"),
    Role("edit", gathers="edit", joins="admin"),
    Role("view", gathers="view", joins="edit"),
    Role(
        "system:aggregate-to-admin",
        """
        create: localsubjectaccessreviews in authorization.k8s.io
        read write: roles rolebindings in rbac.authorization.k8s.io
        """,
        joins="admin",
    ),
    Role(
        "system:aggregate-to-edit",
        """
        read: pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy
        impersonate: serviceaccounts
        write: pods pods/attach pods/exec pods/portforward pods/proxy
        create: pods/eviction
        write: configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale \
secrets serviceaccounts services services/proxy
        create: serviceaccounts/token
        write: daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale \
statefulsets statefulsets/scale in apps
        write: horizontalpodautoscalers in autoscaling
        write: cronjobs jobs in batch
        write: daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets \
replicasets/scale replicationcontrollers/scale in extensions
        write: poddisruptionbudgets in policy
        write: ingresses networkpolicies in networking.k8s.io
        read write: leases in coordination.k8s.io
        write: resourceclaims resourceclaimtemplates in resource.k8s.io
        """,
        joins="edit",
    ),
    Role(
        "system:aggregate-to-view",
        """
        read: configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers \
replicationcontrollers/scale serviceaccounts services services/status
        read: bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status \
resourcequotas resourcequotas/status
        read: namespaces
        read: endpointslices in discovery.k8s.io
        read: controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status \
replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status in apps
        read: horizontalpodautoscalers horizontalpodautoscalers/status in autoscaling
        read: cronjobs cronjobs/status jobs jobs/status in batch
        read: daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses \
ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale \
in extensions
        read: poddisruptionbudgets poddisruptionbudgets/status in policy
        read: ingresses ingresses/status networkpolicies in networking.k8s.io
        read: resourceclaims resourceclaims/status resourceclaimtemplates in resource.k8s.io
        """,
        joins="view",
    ),
)

_FOR_EVERYBODY = (
    Role(
        "system:discovery",
        "get: /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/",
    ),
    Role(
        "system:basic-user",
        """
        create: selfsubjectaccessreviews selfsubjectrulesreviews in authorization.k8s.io
        create: selfsubjectreviews in authentication.k8s.io
        """,
    ),
    Role("system:public-info-viewer", "get: /healthz /livez /readyz /version /version/"),
    Role(
        "system:monitoring",
        """
        get: /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*
        get: /flagz
        get: /statusz
        """,
    ),
    Role(
        "system:service-account-issuer-discovery",
        "get: /.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
    ),
)

_FOR_COMPONENTS = (
    NODE,
    Role("system:node-bootstrapper", "read create: certificatesigningrequests in certificates.k8s.io"),
    Role("system:node-problem-detector", f"get: nodes\npatch: nodes/status\n{EVENTS}"),
    Role(
        "system:node-proxier",
        f"""
        list watch: endpoints services
        read: nodes
        {EVENTS}
        list watch: servicecidrs in networking.k8s.io
        list watch: endpointslices in discovery.k8s.io
        """,
    ),
    Role(
        "system:kubelet-api-admin",
        """
        read: nodes
        proxy: nodes
        *: nodes/log nodes/metrics nodes/proxy nodes/stats
        *: nodes/configz nodes/healthz nodes/pods
        """,
    ),
    Role(
        "system:auth-delegator",
        "create: tokenreviews in authentication.k8s.io\ncreate: subjectaccessreviews in authorization.k8s.io",
    ),
    Role("system:kube-aggregator", "read: endpoints services"),
    Role(
        "system:kube-controller-manager",
        f"""
        {EVENTS}
        create: leases in coordination.k8s.io
        get update: leases in coordination.k8s.io named kube-controller-manager
        create: secrets serviceaccounts
        delete: secrets
        get: configmaps namespaces secrets serviceaccounts
        update: secrets serviceaccounts
        create: tokenreviews in authentication.k8s.io
        create: subjectaccessreviews in authorization.k8s.io
        list watch: * in *
        create: serviceaccounts/token
        """,
    ),
    Role(
        _SCHEDULER,
        f"""
        {EVENTS}
        create: leases in coordination.k8s.io
        read update: leases in coordination.k8s.io named kube-scheduler
        read: nodes
        read delete: pods
        create: bindings pods/binding
        patch update: pods/status
        read: replicationcontrollers services
        read: replicasets in apps extensions
        read: statefulsets in apps
        read: poddisruptionbudgets in policy
        read: persistentvolumeclaims persistentvolumes
        create: tokenreviews in authentication.k8s.io
        create: subjectaccessreviews in authorization.k8s.io
        read: csinodes in storage.k8s.io
        read: volumeattachments in storage.k8s.io
        read: namespaces
        read: csidrivers in storage.k8s.io
        read: csistoragecapacities in storage.k8s.io
        read: deviceclasses in resource.k8s.io
        read patch update: resourceclaims in resource.k8s.io
        read patch update: resourceclaims/status in resource.k8s.io
        patch update: resourceclaims/binding in resource.k8s.io
        read patch update: pods/finalizers
        read: resourceslices in resource.k8s.io
        read: devicetaintrules in resource.k8s.io
        """,
    ),
    Role(
        "system:volume-scheduler",
        """
        read patch update: persistentvolumes
        read: storageclasses in storage.k8s.io
        read patch update: persistentvolumeclaims
        """,
    ),
    Role("system:kube-dns", "list watch: endpoints services"),
    Role(
        "system:persistent-volume-provisioner",
        f"""
        read create delete: persistentvolumes
        read update: persistentvolumeclaims
        read: storageclasses in storage.k8s.io
        watch: events
        {EVENTS}
        """,
    ),
    Role("system:heapster", "read: events namespaces nodes pods\nread: deployments in extensions"),
)

_FOR_CERTIFICATES = (
    *(
        Role(
            f"{_SIGNERS}:certificatesigningrequests:{sort}",
            f"create: certificatesigningrequests/{sort} in certificates.k8s.io",
        )
        for sort in ("nodeclient", "selfnodeclient")
    ),
    *(
        Role(
            f"{_SIGNERS}:{signer}-approver",
            f"approve: signers in certificates.k8s.io named kubernetes.io/{signer}",
        )
        for signer in ("kube-apiserver-client", "kube-apiserver-client-kubelet", "kubelet-serving", "legacy-unknown")
    ),
)

ROLES: tuple[Role, ...] = (*_FOR_USERS, *_FOR_EVERYBODY, *_FOR_COMPONENTS, *_FOR_CERTIFICATES)

BINDINGS: tuple[Binding, ...] = (
    Binding("cluster-admin", groups=(MASTERS,)),
    Binding("system:monitoring", groups=("system:monitoring",)),
    Binding("system:discovery", groups=(AUTHENTICATED,)),
    Binding("system:basic-user", groups=(AUTHENTICATED,)),
    Binding("system:public-info-viewer", groups=(AUTHENTICATED, UNAUTHENTICATED)),
    Binding("system:service-account-issuer-discovery", groups=(ACCOUNTS,)),
    Binding("system:node"),
    Binding("system:node-proxier", users=("system:kube-proxy",)),
    Binding("system:kube-controller-manager", users=("system:kube-controller-manager",)),
    Binding("system:kube-dns", accounts=("kube-system/kube-dns",)),
    Binding(_SCHEDULER, users=(_SCHEDULER,)),
    Binding("system:volume-scheduler", users=(_SCHEDULER,)),
)
