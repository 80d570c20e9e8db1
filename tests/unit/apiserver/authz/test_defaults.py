"""The default roles and bindings: upstream's names, and what is made of them."""

from __future__ import annotations

from collections import Counter

from knarr.apiserver.authz.defaults.objects import default_objects

CLUSTER_ROLES = """
admin cluster-admin edit view system:aggregate-to-admin system:aggregate-to-edit system:aggregate-to-view
system:auth-delegator system:basic-user system:certificates.k8s.io:certificatesigningrequests:nodeclient
system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
system:certificates.k8s.io:kube-apiserver-client-approver
system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
system:certificates.k8s.io:kubelet-serving-approver system:certificates.k8s.io:legacy-unknown-approver
system:controller:attachdetach-controller system:controller:certificate-controller
system:controller:clusterrole-aggregation-controller system:controller:cronjob-controller
system:controller:daemon-set-controller system:controller:deployment-controller
system:controller:device-taint-eviction-controller system:controller:disruption-controller
system:controller:endpoint-controller system:controller:endpointslice-controller
system:controller:endpointslicemirroring-controller system:controller:ephemeral-volume-controller
system:controller:expand-controller system:controller:generic-garbage-collector
system:controller:horizontal-pod-autoscaler system:controller:job-controller
system:controller:legacy-service-account-token-cleaner system:controller:namespace-controller
system:controller:node-controller system:controller:persistent-volume-binder
system:controller:pod-garbage-collector system:controller:pv-protection-controller
system:controller:pvc-protection-controller system:controller:replicaset-controller
system:controller:replication-controller system:controller:resource-claim-controller
system:controller:resourcequota-controller system:controller:root-ca-cert-publisher
system:controller:route-controller system:controller:selinux-warning-controller
system:controller:service-account-controller system:controller:service-cidrs-controller
system:controller:service-controller system:controller:statefulset-controller
system:controller:ttl-after-finished-controller system:controller:ttl-controller
system:controller:validatingadmissionpolicy-status-controller
system:controller:volumeattributesclass-protection-controller
system:discovery system:heapster system:kube-aggregator system:kube-controller-manager system:kube-dns
system:kube-scheduler system:kubelet-api-admin system:monitoring system:node system:node-bootstrapper
system:node-problem-detector system:node-proxier system:persistent-volume-provisioner system:public-info-viewer
system:service-account-issuer-discovery system:volume-scheduler
"""
ROLES = """
kube-public/system:controller:bootstrap-signer kube-system/extension-apiserver-authentication-reader
kube-system/system::leader-locking-kube-controller-manager kube-system/system::leader-locking-kube-scheduler
kube-system/system:controller:bootstrap-signer kube-system/system:controller:cloud-provider
kube-system/system:controller:token-cleaner
"""
UNBOUND = """
admin edit view system:aggregate-to-admin system:aggregate-to-edit system:aggregate-to-view system:auth-delegator
system:heapster system:kube-aggregator system:kubelet-api-admin system:node-bootstrapper system:node-problem-detector
system:persistent-volume-provisioner
"""


def names(plural: str) -> set[str]:
    """Of upstream's objects of a resource."""
    trees = [tree for of, tree in default_objects() if of == plural]
    found = ("/".join(filter(None, (t["metadata"].get("namespace"), t["metadata"]["name"]))) for t in trees)
    return {name for name in found if "knarr:" not in name}


def test_all_of_upstreams_are_there() -> None:
    cluster = set(CLUSTER_ROLES.split())
    unbound = {name for name in cluster if name in UNBOUND.split() or name.startswith("system:certificates")}
    assert names("clusterroles") == cluster
    assert names("roles") == set(ROLES.split())
    assert names("clusterrolebindings") == cluster - unbound
    bound = ROLES.replace("extension", "system::extension").split()
    assert names("rolebindings") == set(bound)


def test_no_two_have_one_name() -> None:
    addresses = Counter((of, t["metadata"].get("namespace"), t["metadata"]["name"]) for of, t in default_objects())
    assert set(addresses.values()) == {1}


def test_a_role_as_an_object() -> None:
    found = {tree["metadata"]["name"]: tree for of, tree in default_objects() if of == "clusterroles"}
    marks = {
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    }
    assert found["system:kube-dns"] == {
        "kind": "ClusterRole",
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": "system:kube-dns", **marks},
        "rules": [{"verbs": ["list", "watch"], "apiGroups": [""], "resources": ["endpoints", "services"]}],
    }
    aggregate = "rbac.authorization.k8s.io/aggregate-to"
    assert found["view"]["metadata"]["labels"] == {**marks["labels"], f"{aggregate}-edit": "true"}
    assert found["view"]["aggregationRule"] == {
        "clusterRoleSelectors": [{"matchLabels": {f"{aggregate}-view": "true"}}]
    }
    assert found["view"]["rules"] is None


def test_a_binding_as_an_object() -> None:
    found = {tree["metadata"]["name"]: tree for of, tree in default_objects() if of == "clusterrolebindings"}
    group = "rbac.authorization.k8s.io"
    assert found["system:kube-dns"]["roleRef"] == {"apiGroup": group, "kind": "ClusterRole", "name": "system:kube-dns"}
    assert found["system:kube-dns"]["subjects"] == [
        {"kind": "ServiceAccount", "name": "kube-dns", "namespace": "kube-system"}
    ]
    assert found["system:discovery"]["subjects"] == [
        {"kind": "Group", "apiGroup": group, "name": "system:authenticated"}
    ]
    assert "subjects" not in found["system:node"]
