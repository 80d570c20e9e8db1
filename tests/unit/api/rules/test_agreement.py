"""Fields that must agree with each other: Services, networks, storage, limits, Jobs."""

from __future__ import annotations

import pytest
import yaml

from tests.unit.api.manifests import JSON, defaulted, faults, job, kind_for, prepared, service, update_faults, workload

PORTS = "ports: [{port: 80}]"
SELECTED = (
    "spec: {selector: {matchLabels: {a: b}},"
    " template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}"
)


def kind(api_version: str, name: str, rest: str) -> str:
    return f"{{apiVersion: {api_version}, kind: {name}, metadata: {{name: a, namespace: b}}, {rest}}}"


def policy(ports: str) -> str:
    rest = f"spec: {{podSelector: {{}}, ingress: [{{ports: [{ports}]}}]}}"
    return kind("networking.k8s.io/v1", "NetworkPolicy", rest)


def ingress(path: str) -> str:
    return kind("networking.k8s.io/v1", "Ingress", f"spec: {{rules: [{{http: {{paths: [{path}]}}}}]}}")


def endpoint(hints: str) -> str:
    endpoints = f"addressType: IPv4, endpoints: [{{addresses: [10.0.0.1], hints: {hints}}}]"
    return kind("discovery.k8s.io/v1", "EndpointSlice", endpoints)


def volume(spec: str) -> str:
    basic = "capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce]"
    return kind("v1", "PersistentVolume", f"spec: {{{basic}, {spec}}}")


def limits(item: str) -> str:
    return kind("v1", "LimitRange", f"spec: {{limits: [{item}]}}")


CASES = {
    "a class of no balancer": (
        service(f"{PORTS}, loadBalancerClass: a.b/c"),
        ["spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"],
    ),
    "a range that is none": (
        service(f"{PORTS}, type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0]"),
        [
            'spec.loadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": '
            "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        ],
    ),
    "health of who balances nothing": (
        service(f"{PORTS}, healthCheckNodePort: 30000"),
        [
            "spec.healthCheckNodePort: Invalid value: 30000: "
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        ],
    ),
    "affinity for none": (
        service(f"{PORTS}, sessionAffinity: None, sessionAffinityConfig: {{clientIP: {{timeoutSeconds: 5}}}}"),
        ["spec.sessionAffinityConfig: Forbidden: must not be set when session affinity is None"],
    ),
    "traffic to somewhere": (
        service(f"{PORTS}, trafficDistribution: Far"),
        [
            'spec.trafficDistribution: Unsupported value: "Far": supported values: '
            '"PreferClose", "PreferSameNode", "PreferSameZone"'
        ],
    ),
    "a range of ports": (policy("{port: 80, endPort: 90}"), []),
    "ports backwards": (
        policy("{port: 80, endPort: 79}"),
        ["spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`"],
    ),
    "a path without a type": (
        ingress("{backend: {service: {name: s, port: {number: 80}}}}"),
        ["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"],
    ),
    "a path that climbs at its end": (
        ingress("{pathType: Prefix, path: /a/.., backend: {service: {name: s, port: {number: 80}}}}"),
        ["spec.rules[0].http.paths[0].path: Invalid value: \"/a/..\": cannot end with '/..'"],
    ),
    "a path to nothing": (
        ingress("{pathType: Prefix, path: /, backend: {}}"),
        ['spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required'],
    ),
    "a path to no port": (
        ingress("{pathType: Prefix, path: /, backend: {service: {name: s, port: {}}}}"),
        ["spec.rules[0].http.paths[0].backend: Required value: port name or number is required"],
    ),
    "a block that is no network": (
        kind(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.5/24}}]}]}",
        ),
        [
            'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.5/24": '
            "must not have bits set beyond the prefix length"
        ],
    ),
    "ranges of one family": (
        kind("networking.k8s.io/v1", "ServiceCIDR", "spec: {cidrs: [10.0.0.0/16, 10.1.0.0/16]}"),
        [
            'spec.cidrs: Invalid value: ["10.0.0.0/16","10.1.0.0/16"]: may specify no more than one IP for each IP '
            "family, i.e 192.168.0.0/24 and 2001:db8::/64"
        ],
    ),
    "an address of nobody": (
        kind("networking.k8s.io/v1", "IPAddress", "spec: {}"),
        ["spec.parentRef: Required value"],
    ),
    "what no quota counts": (
        kind("v1", "ResourceQuota", "spec: {hard: {bananas: 1, a.b/c: 1, pods: 1500m, requests.hugepages-2Mi: 1}}"),
        [
            'spec.hard[bananas]: Invalid value: "bananas": must be a standard resource for quota',
            'spec.hard[pods]: Invalid value: "1500m": must be an integer',
        ],
    ),
    "a scope that is not about it": (
        kind("v1", "ResourceQuota", "spec: {hard: {pods: 1, services: 1}, scopes: [Terminating]}"),
        ['spec.scopes: Invalid value: ["Terminating"]: unsupported scope applied to resource'],
    ),
    "best efforts of some classes": (
        kind(
            "v1",
            "ResourceQuota",
            "spec: {scopeSelector: {matchExpressions: [{scopeName: BestEffort, operator: In, values: [a]}]}}",
        ),
        [
            "spec.scopeSelector.matchExpressions[0].operator: Invalid value: \"In\": must be 'Exist' when scope is any "
            "of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
            "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
        ],
    ),
    "limits of another sort": (
        limits("{type: House, max: {cpu: 1}}"),
        ['spec.limits[0].type: Invalid value: "House": must be a standard limit type or fully qualified'],
    ),
    "a node's networks": (
        kind("v1", "Node", "spec: {podCIDRs: [10.0.0.0/24, 10.0.1.0/24]}"),
        [
            'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: '
            "may specify no more than one CIDR for each IP family"
        ],
    ),
    "a node's address twice": (
        kind(
            "v1", "Node", "status: {addresses: [{type: A, address: x}, {type: B, address: x}, {type: A, address: x}]}"
        ),
        ['status.addresses[2]: Duplicate value: {"type":"A","address":"x"}'],
    ),
    "hints": (endpoint("{forZones: [{name: a}, {name: b}], forNodes: [{name: n}]}"), []),
    "a hint twice": (
        endpoint("{forZones: [{name: a}, {name: a}], forNodes: [{name: N}]}"),
        [
            'endpoints[0].hints.forNodes[0].name: Invalid value: "N": a lowercase RFC 1123 subdomain must consist of '
            "lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character "
            "(e.g. 'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            'endpoints[0].hints.forZones[1].name: Duplicate value: "a"',
        ],
    ),
    "hints for all zones": (
        endpoint("{forZones: [" + ", ".join(f"{{name: z{n}}}" for n in range(9)) + "]}"),
        ["endpoints[0].hints.forZones: Too many: 9: must have at most 8 items"],
    ),
    "daemons that come and go at once": (
        workload("apps/v1", "DaemonSet", "updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}"),
        [
            "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: "
            "may not be set when maxUnavailable is non-zero"
        ],
    ),
    "daemons that cannot change": (
        workload("apps/v1", "DaemonSet", "updateStrategy: {rollingUpdate: {maxUnavailable: 0}}"),
        ["spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0"],
    ),
    "a set of another policy": (
        workload("apps/v1", "StatefulSet", "podManagementPolicy: Odd, updateStrategy: {type: Odd}, serviceName: A_B"),
        [
            "spec.podManagementPolicy: Invalid value: \"Odd\": must be 'OrderedReady' or 'Parallel'",
            'spec.serviceName: Invalid value: "A_B": a lowercase RFC 1123 label must consist of lower case '
            "alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  "
            "or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            "spec.updateStrategy: Invalid value: {\"type\":\"Odd\"}: must be 'RollingUpdate' or 'OnDelete'",
        ],
    ),
    "a set's partition without rolling": (
        workload("apps/v1", "StatefulSet", "updateStrategy: {type: OnDelete, rollingUpdate: {partition: 1}}"),
        [
            'spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: '
            "only allowed for updateStrategy 'RollingUpdate'"
        ],
    ),
    "a revision of nothing": (
        kind("apps/v1", "ControllerRevision", "revision: -1"),
        ["data: Required value: data is mandatory", "revision: Invalid value: -1: must be greater than or equal to 0"],
    ),
    "a CronJob's selector": (
        kind(
            "batch/v1",
            "CronJob",
            "spec: {schedule: '@daily', jobTemplate: {spec: {selector: {matchLabels: {a: b}}, manualSelector: true, "
            "template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}",
        ),
        [
            'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
            'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: '
            "`selector` will be auto-generated",
        ],
    ),
    "a preference without a strategy": (
        kind("coordination.k8s.io/v1", "Lease", "spec: {preferredHolder: x}"),
        ["spec.preferredHolder: Forbidden: may only be specified when `strategy` is defined"],
    ),
    "an aggregation of nothing": (
        kind("rbac.authorization.k8s.io/v1", "ClusterRole", "aggregationRule: {}"),
        [
            "aggregationRule.clusterRoleSelectors: Required value: "
            "at least one clusterRoleSelector required if aggregationRule is non-nil"
        ],
    ),
    "a system's priority of another value": (
        kind("scheduling.k8s.io/v1", "PriorityClass", "value: 5").replace("name: a,", "name: system-node-critical,"),
        [
            "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. "
            "error: value of system-node-critical PriorityClass must be 2000001000"
        ],
    ),
    "a class for everybody, of one namespace": (
        kind(
            "networking.k8s.io/v1",
            "IngressClass",
            "spec: {controller: a.b/c, parameters: {kind: X, name: y, namespace: z}}",
        ),
        ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
    ),
    "a controller without a path": (
        kind("networking.k8s.io/v1", "IngressClass", "spec: {controller: a}"),
        ['spec.controller: Invalid value: "a": must be a domain-prefixed path (such as "acme.io/foo")'],
    ),
    "a disk of no node": (
        volume("local: {path: /a}"),
        ["spec.nodeAffinity: Required value: Local volume requires node affinity"],
    ),
    "one Pod and many": (
        kind(
            "v1",
            "PersistentVolumeClaim",
            "spec: {accessModes: [ReadWriteOncePod, ReadOnlyMany], resources: {requests: {storage: 1Gi}}}",
        ),
        ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"],
    ),
    "a driver's tokens": (
        kind("storage.k8s.io/v1", "CSIDriver", "spec: {tokenRequests: [{audience: a}, {audience: a}]}"),
        ['spec.tokenRequests[1]: Duplicate value: "a"'],
    ),
    "more than the most": (
        limits("{type: Container, max: {cpu: 1}, default: {cpu: 2}}"),
        [
            'spec.limits[0].defaultRequest[cpu]: Invalid value: "2": '
            "default request value 2 is greater than max value 1",
            'spec.limits[0].default[cpu]: Invalid value: "2": default value 2 is greater than max value 1',
        ],
    ),
    "a Pod's defaults": (
        limits("{type: Pod, default: {cpu: 1}}"),
        ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
    ),
    "scopes that exclude each other": (
        kind("v1", "ResourceQuota", "spec: {hard: {pods: 1}, scopes: [Terminating, NotTerminating]}"),
        ['spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes'],
    ),
    "an event of nobody": (
        kind("events.k8s.io/v1", "Event", "regarding: {namespace: b}, reason: r, action: a, type: Odd"),
        [
            "eventTime: Required value",
            'type: Invalid value: "": has invalid value: Odd',
        ],
    ),
    "more ready than there are": (
        kind("apps/v1", "ReplicaSet", f"{SELECTED}, status: {{replicas: 1, readyReplicas: 2, availableReplicas: -1}}"),
        [
            "status.availableReplicas: Invalid value: -1: must be greater than or equal to 0",
            "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas",
        ],
    ),
    "a balancer's name that is an address": (
        kind("v1", "Service", f"spec: {{{PORTS}}}, status: {{loadBalancer: {{ingress: [{{hostname: 192.0.2.1}}]}}}}"),
        ['status.loadBalancer.ingress[0].hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address'],
    ),
    "a limit for each of no indexes": (
        job("backoffLimitPerIndex: 1"),
        ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
    ),
    "a rule of two sorts": (
        job(
            "podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [1]},"
            " onPodConditions: [{type: x}]}]}"
        ),
        [
            "spec.podFailurePolicy.rules[0]: Invalid value: "
            "specifying both OnExitCodes and OnPodConditions is not supported"
        ],
    ),
    "success among failures": (
        job("podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [0]}}]}"),
        ["spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_validation(case: str) -> None:
    manifest, expected = CASES[case]
    assert sorted(faults(written(manifest))) == expected


def written(manifest: str) -> JSON:
    """The object as it would be stored, with the status that the manifest gives it."""
    given = yaml.safe_load(manifest)
    kind = kind_for(given["apiVersion"], given["kind"])
    if kind.stored:
        return (kind.versions[0].to_storage or dict)(given) | {"apiVersion": given["apiVersion"]}
    return prepared(manifest) | ({"status": given["status"]} if "status" in given else {})


def test_a_driver_says_what_it_does_by_default() -> None:
    assert defaulted(kind("storage.k8s.io/v1", "CSIDriver", "spec: {}"))["spec"] == {
        "attachRequired": True,
        "podInfoOnMount": False,
        "storageCapacity": False,
        "fsGroupPolicy": "ReadWriteOnceWithFSType",
        "volumeLifecycleModes": ["Persistent"],
        "requiresRepublish": False,
        "seLinuxMount": False,
    }


def test_a_quota_keeps_its_scopes() -> None:
    old = prepared(kind("v1", "ResourceQuota", "spec: {hard: {pods: 1}}"))
    new = prepared(kind("v1", "ResourceQuota", "spec: {hard: {pods: 1}, scopes: [Terminating]}"))
    assert update_faults(new, old) == ['spec.scopes: Invalid value: ["Terminating"]: field is immutable']
