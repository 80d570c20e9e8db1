"""Every kind as discovery shows it, held against what upstream documents (`kubectl api-resources -o wide` of 1.36).

https://kubernetes.io/docs/reference/kubectl/generated/kubectl_api-resources/
"""

from __future__ import annotations

import pytest

from knarr.api.kind import ALL_VERBS, Kind
from knarr.api.kinds.table import KINDS

CREATED = ("create",)
READ = ("get", "list")
KEPT = tuple(verb for verb in ALL_VERBS if verb != "deletecollection")

# resource, group and versions, kind, scope, short names; then categories, and verbs where they are not all
DOCUMENTED = """
bindings                        v1                                Binding                        true
componentstatuses               v1                                ComponentStatus                false cs
configmaps                      v1                                ConfigMap                      true  cm
endpoints                       v1                                Endpoints                      true  ep
events                          v1                                Event                          true  ev
limitranges                     v1                                LimitRange                     true  limits
namespaces                      v1                                Namespace                      false ns
nodes                           v1                                Node                           false no
persistentvolumeclaims          v1                                PersistentVolumeClaim          true  pvc
persistentvolumes               v1                                PersistentVolume               false pv
pods                            v1                                Pod                            true  po
podtemplates                    v1                                PodTemplate                    true
replicationcontrollers          v1                                ReplicationController          true  rc
resourcequotas                  v1                                ResourceQuota                  true  quota
secrets                         v1                                Secret                         true
serviceaccounts                 v1                                ServiceAccount                 true  sa
services                        v1                                Service                        true  svc
controllerrevisions             apps/v1                           ControllerRevision             true
daemonsets                      apps/v1                           DaemonSet                      true  ds
deployments                     apps/v1                           Deployment                     true  deploy
replicasets                     apps/v1                           ReplicaSet                     true  rs
statefulsets                    apps/v1                           StatefulSet                    true  sts
events                          events.k8s.io/v1                  Event                          true  ev
horizontalpodautoscalers        autoscaling/v2,v1                 HorizontalPodAutoscaler        true  hpa
cronjobs                        batch/v1,v1beta1                  CronJob                        true  cj
jobs                            batch/v1                          Job                            true
certificatesigningrequests      certificates.k8s.io/v1            CertificateSigningRequest      false csr
ingressclasses                  networking.k8s.io/v1              IngressClass                   false
ingresses                       networking.k8s.io/v1              Ingress                        true  ing
ipaddresses                     networking.k8s.io/v1              IPAddress                      false ip
networkpolicies                 networking.k8s.io/v1              NetworkPolicy                  true  netpol
servicecidrs                    networking.k8s.io/v1              ServiceCIDR                    false
poddisruptionbudgets            policy/v1                         PodDisruptionBudget            true  pdb
clusterrolebindings             rbac.authorization.k8s.io/v1      ClusterRoleBinding             false
clusterroles                    rbac.authorization.k8s.io/v1      ClusterRole                    false
rolebindings                    rbac.authorization.k8s.io/v1      RoleBinding                    true
roles                           rbac.authorization.k8s.io/v1      Role                           true
csidrivers                      storage.k8s.io/v1                 CSIDriver                      false
csinodes                        storage.k8s.io/v1                 CSINode                        false
csistoragecapacities            storage.k8s.io/v1                 CSIStorageCapacity             true
storageclasses                  storage.k8s.io/v1                 StorageClass                   false sc
volumeattachments               storage.k8s.io/v1                 VolumeAttachment               false
volumeattributesclasses         storage.k8s.io/v1                 VolumeAttributesClass          false vac
priorityclasses                 scheduling.k8s.io/v1              PriorityClass                  false pc
leases                          coordination.k8s.io/v1            Lease                          true
runtimeclasses                  node.k8s.io/v1                    RuntimeClass                   false
endpointslices                  discovery.k8s.io/v1               EndpointSlice                  true
flowschemas                     flowcontrol.apiserver.k8s.io/v1   FlowSchema                     false
prioritylevelconfigurations     flowcontrol.apiserver.k8s.io/v1   PriorityLevelConfiguration     false
deviceclasses                   resource.k8s.io/v1                DeviceClass                    false
resourceclaims                  resource.k8s.io/v1                ResourceClaim                  true
resourceclaimtemplates          resource.k8s.io/v1                ResourceClaimTemplate          true
resourceslices                  resource.k8s.io/v1                ResourceSlice                  false
"""
ALL_CATEGORY = frozenset(
    {
        *("pods", "replicationcontrollers", "services", "daemonsets.apps", "deployments.apps", "replicasets.apps"),
        *("statefulsets.apps", "horizontalpodautoscalers.autoscaling", "cronjobs.batch", "jobs.batch"),
    }
)
VERBS = {"bindings": CREATED, "componentstatuses": READ, "namespaces": KEPT, "services": ALL_VERBS}
SUBRESOURCES = {
    "namespaces": "finalize status",
    "nodes": "proxy status",
    "persistentvolumeclaims": "status",
    "persistentvolumes": "status",
    "pods": "attach binding ephemeralcontainers eviction exec log portforward proxy resize status",
    "replicationcontrollers": "scale status",
    "resourcequotas": "status",
    "serviceaccounts": "token",
    "services": "proxy status",
    "daemonsets.apps": "status",
    "deployments.apps": "scale status",
    "replicasets.apps": "scale status",
    "statefulsets.apps": "scale status",
    "horizontalpodautoscalers.autoscaling": "status",
    "cronjobs.batch": "status",
    "jobs.batch": "status",
    "certificatesigningrequests.certificates.k8s.io": "approval status",
    "ingresses.networking.k8s.io": "status",
    "servicecidrs.networking.k8s.io": "status",
    "poddisruptionbudgets.policy": "status",
    "volumeattachments.storage.k8s.io": "status",
    "flowschemas.flowcontrol.apiserver.k8s.io": "status",
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": "status",
    "resourceclaims.resource.k8s.io": "status",
}

LINES = {
    f"{plural}.{address.rpartition('/')[0]}".rstrip("."): (address.rpartition("/")[2], kind, scope == "true", names)
    for plural, address, kind, scope, *names in (line.split() for line in DOCUMENTED.strip().splitlines())
}
DOCUMENTED_KINDS = [kind for kind in KINDS if kind.qualified_resource in LINES]


@pytest.mark.parametrize("kind", DOCUMENTED_KINDS, ids=lambda kind: kind.qualified_resource)
def test_a_kind_is_as_upstream_documents_it(kind: Kind) -> None:
    versions, name, namespaced, short_names = LINES[kind.qualified_resource]
    assert ",".join(version.name for version in kind.versions) == versions
    assert (kind.kind, kind.namespaced, list(kind.short_names)) == (name, namespaced, short_names)
    assert kind.singular_name == name.lower()
    assert kind.categories == (("all",) if kind.qualified_resource in ALL_CATEGORY else ())
    assert sorted(kind.verbs) == sorted(VERBS.get(kind.qualified_resource, ALL_VERBS))
    assert " ".join(sorted(kind.subresources)) == SUBRESOURCES.get(kind.qualified_resource, "")


def test_every_documented_kind_is_served() -> None:
    assert set(LINES) == {kind.qualified_resource for kind in DOCUMENTED_KINDS}
