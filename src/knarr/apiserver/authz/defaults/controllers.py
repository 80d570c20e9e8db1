"""The ClusterRoles of the controllers: each is bound to the service account of the same name in kube-system."""

from __future__ import annotations

from knarr.apiserver.authz.defaults.notation import EVENTS, Binding, Role

_PREFIX = "system:controller:"
_REPLICATING = "create delete list patch watch: pods"
_SLICES = "read create delete update: endpointslices in discovery.k8s.io"

_RIGHTS: dict[str, str] = {
    "attachdetach-controller": f"""
        list watch: persistentvolumeclaims persistentvolumes
        read: nodes
        patch update: nodes/status
        list watch: pods
        {EVENTS}
        read create delete: volumeattachments in storage.k8s.io
        read: csidrivers in storage.k8s.io
        read: csinodes in storage.k8s.io
        """,
    "certificate-controller": f"""
        read delete: certificatesigningrequests in certificates.k8s.io
        update: certificatesigningrequests/approval certificatesigningrequests/status in certificates.k8s.io
        approve: signers in certificates.k8s.io named kubernetes.io/kube-apiserver-client-kubelet
        sign: signers in certificates.k8s.io named kubernetes.io/kube-apiserver-client \
kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown
        create: subjectaccessreviews in authorization.k8s.io
        {EVENTS}
        """,
    "clusterrole-aggregation-controller": "read escalate patch update: clusterroles in rbac.authorization.k8s.io",
    "cronjob-controller": f"""
        read update: cronjobs in batch
        read create delete patch update: jobs in batch
        update: cronjobs/status in batch
        update: cronjobs/finalizers in batch
        delete list watch: pods
        {EVENTS}
        """,
    "daemon-set-controller": f"""
        read: daemonsets in apps extensions
        update: daemonsets/status in apps extensions
        update: daemonsets/finalizers in apps extensions
        list watch: nodes
        {_REPLICATING}
        create: pods/binding
        read create delete patch update: controllerrevisions in apps
        {EVENTS}
        """,
    "deployment-controller": f"""
        read update: deployments in apps extensions
        update: deployments/status in apps extensions
        update: deployments/finalizers in apps extensions
        read create delete patch update: replicasets in apps extensions
        read update: pods
        {EVENTS}
        """,
    "device-taint-eviction-controller": f"""
        read delete: pods
        patch update: pods/status
        read: resourceclaims in resource.k8s.io
        read: resourceslices in resource.k8s.io
        read: deviceclasses in resource.k8s.io
        read: devicetaintrules in resource.k8s.io
        {EVENTS}
        """,
    "disruption-controller": f"""
        read: deployments in apps extensions
        read: replicasets in apps extensions
        read: replicationcontrollers
        read: poddisruptionbudgets in policy
        read: statefulsets in apps
        update: poddisruptionbudgets/status in policy
        patch update: pods/status
        get: */scale in *
        {EVENTS}
        """,
    "endpoint-controller": f"""
        read: pods services
        read create delete update: endpoints
        create: endpoints/restricted
        {EVENTS}
        """,
    "endpointslice-controller": f"""
        read: nodes pods services
        update: services/finalizers
        {_SLICES}
        {EVENTS}
        """,
    "endpointslicemirroring-controller": f"""
        read: endpoints services
        update: services/finalizers
        update: endpoints/finalizers
        {_SLICES}
        {EVENTS}
        """,
    "ephemeral-volume-controller": f"""
        read: pods
        update: pods/finalizers
        read create: persistentvolumeclaims
        {EVENTS}
        """,
    "expand-controller": f"""
        read patch update: persistentvolumes
        patch update: persistentvolumeclaims/status
        read: persistentvolumeclaims
        {EVENTS}
        get: services
        """,
    "generic-garbage-collector": f"read delete patch update: * in *\n{EVENTS}",
    "horizontal-pod-autoscaler": f"""
        read: horizontalpodautoscalers in autoscaling
        update: horizontalpodautoscalers/status in autoscaling
        get update: */scale in *
        list watch: pods
        list watch: pods in metrics.k8s.io
        read: * in custom.metrics.k8s.io
        read: * in external.metrics.k8s.io
        {EVENTS}
        """,
    "job-controller": f"""
        read patch update: jobs in batch
        update: jobs/status in batch
        update: jobs/finalizers in batch
        {_REPLICATING}
        {EVENTS}
        """,
    "legacy-service-account-token-cleaner": """
        get: configmaps named kube-apiserver-legacy-service-account-token-tracking
        delete patch: secrets
        """,
    "namespace-controller": """
        read delete: namespaces
        update: namespaces/finalize namespaces/status
        read delete deletecollection: * in *
        """,
    "node-controller": f"""
        read delete patch update: nodes
        patch update: nodes/status
        patch update: pods/status
        read delete: pods
        {EVENTS}
        """,
    "persistent-volume-binder": f"""
        read create delete update: persistentvolumes
        update: persistentvolumes/status
        read update: persistentvolumeclaims
        update: persistentvolumeclaims/status
        read create delete: pods
        read: storageclasses in storage.k8s.io
        list watch: nodes
        {EVENTS}
        watch: events
        get: services
        """,
    "pod-garbage-collector": """
        delete list watch: pods
        read: nodes
        patch: pods/status
        """,
    "pv-protection-controller": f"read update: persistentvolumes\n{EVENTS}",
    "pvc-protection-controller": f"read update: persistentvolumeclaims\nread: pods\n{EVENTS}",
    "replicaset-controller": f"""
        read update: replicasets in apps extensions
        update: replicasets/status in apps extensions
        update: replicasets/finalizers in apps extensions
        {_REPLICATING}
        {EVENTS}
        """,
    "replication-controller": f"""
        read update: replicationcontrollers
        update: replicationcontrollers/status
        update: replicationcontrollers/finalizers
        {_REPLICATING}
        {EVENTS}
        """,
    "resource-claim-controller": f"""
        read: pods
        update: pods/finalizers
        read create delete: resourceclaims in resource.k8s.io
        patch update: resourceclaims resourceclaims/binding resourceclaims/status in resource.k8s.io
        patch update: pods/status
        {EVENTS}
        """,
    "resourcequota-controller": f"list watch: * in *\nupdate: resourcequotas/status\n{EVENTS}",
    "root-ca-cert-publisher": f"create update: configmaps\n{EVENTS}",
    "route-controller": f"list watch: nodes\npatch: nodes/status\n{EVENTS}",
    "selinux-warning-controller": f"""
        {EVENTS}
        read: persistentvolumes
        read: persistentvolumeclaims
        read: pods
        read: csidrivers in storage.k8s.io
        """,
    "service-account-controller": f"create: serviceaccounts\n{EVENTS}",
    "service-cidrs-controller": f"""
        read patch update: servicecidrs in networking.k8s.io
        patch update: servicecidrs/finalizers in networking.k8s.io
        patch update: servicecidrs/status in networking.k8s.io
        read: ipaddresses in networking.k8s.io
        {EVENTS}
        """,
    "service-controller": f"""
        read: services
        patch update: services/status
        list watch: nodes
        {EVENTS}
        """,
    "statefulset-controller": f"""
        list watch: pods
        read: statefulsets in apps
        update: statefulsets/status in apps
        update: statefulsets/finalizers in apps
        create delete get patch update: pods
        read create delete patch update: controllerrevisions in apps
        read create: persistentvolumeclaims
        delete update: persistentvolumeclaims
        update: pods/finalizers
        {EVENTS}
        """,
    "ttl-after-finished-controller": f"read delete: jobs in batch\n{EVENTS}",
    "ttl-controller": f"list patch update watch: nodes\n{EVENTS}",
    "validatingadmissionpolicy-status-controller": f"""
        read: validatingadmissionpolicies in admissionregistration.k8s.io
        get patch update: validatingadmissionpolicies/status in admissionregistration.k8s.io
        {EVENTS}
        """,
    "volumeattributesclass-protection-controller": f"""
        read: persistentvolumeclaims
        read: persistentvolumes
        read update: volumeattributesclasses in storage.k8s.io
        {EVENTS}
        """,
}

ROLES: tuple[Role, ...] = tuple(Role(f"{_PREFIX}{name}", text) for name, text in _RIGHTS.items())
BINDINGS: tuple[Binding, ...] = tuple(
    Binding(f"{_PREFIX}{name}", accounts=(f"kube-system/{name}",)) for name in _RIGHTS
)
