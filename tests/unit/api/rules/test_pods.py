"""What is wrong with Pods, part by part, in upstream's words."""

from __future__ import annotations

import pytest

from knarr.api.pods.subresources import validate_ephemeral, validate_resize
from tests.unit.api.manifests import container, faults, pod, prepared

WEB = "containers: [{name: web, image: a}]"


def spec(fields: str) -> str:
    return pod(f"{WEB}, {fields}")


def security(fields: str) -> str:
    return spec(f"securityContext: {{{fields}}}")


def spread(fields: str) -> str:
    return spec(f"topologySpreadConstraints: [{{{fields}}}]")


def volume(source: str) -> str:
    return spec(f"volumes: [{{name: v, {source}}}]")


CASES = {
    "users out of range": (
        security("runAsUser: -1, supplementalGroups: [4294967296]"),
        [
            "spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
            "spec.securityContext.supplementalGroups[0]: Invalid value: 4294967296: "
            "must be between 0 and 2147483647, inclusive",
        ],
    ),
    "a system control twice": (
        security("sysctls: [{name: kernel.shm_rmid_forced, value: '1'}, {name: kernel.shm_rmid_forced, value: '0'}]"),
        ['spec.securityContext.sysctls[1].name: Duplicate value: "kernel.shm_rmid_forced"'],
    ),
    "the host's network is not tuned": (
        spec("hostNetwork: true, securityContext: {sysctls: [{name: net.ipv4.tcp_syncookies, value: '1'}]}"),
        [
            'spec.securityContext.sysctls[0].name: Invalid value: "net.ipv4.tcp_syncookies": '
            "may not be specified when 'hostNetwork' is true"
        ],
    ),
    "a profile without its name": (
        security("seccompProfile: {type: Localhost}"),
        [
            "spec.securityContext.seccompProfile.localhostProfile: Required value: "
            "must be set when seccomp type is Localhost"
        ],
    ),
    "a name without its profile": (
        security("appArmorProfile: {type: RuntimeDefault, localhostProfile: x}"),
        [
            'spec.securityContext.appArmorProfile.localhostProfile: Invalid value: "x": '
            "can only be set when AppArmor type is Localhost"
        ],
    ),
    "windows on linux": (
        spec("os: {name: linux}, securityContext: {windowsOptions: {runAsUserName: x}}"),
        ["spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod"],
    ),
    "linux on windows": (
        pod("os: {name: windows}, containers: [{name: web, image: a, securityContext: {privileged: false}}]"),
        ["spec.containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod"],
    ),
    "a signal of no system": (
        container("lifecycle: {stopSignal: SIGUSR1}"),
        ["spec.containers[0].lifecycle.stopSignal: Forbidden: may not be set for containers with empty `spec.os.name`"],
    ),
    "users of its own on the host's network": (
        spec("hostUsers: false, hostNetwork: true"),
        ["spec.hostNetwork: Forbidden: when `hostUsers` is false"],
    ),
    "name servers": (
        spec("dnsConfig: {nameservers: [1.1.1.1, x, 1.1.1.3, 1.1.1.4], options: [{value: a}]}"),
        [
            'spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","x","1.1.1.3","1.1.1.4"]: '
            "must not have more than 3 nameservers",
            'spec.dnsConfig.nameservers[1]: Invalid value: "x": '
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            "spec.dnsConfig.options[0]: Required value: must not be empty",
        ],
    ),
    "nobody to ask": (
        spec("dnsPolicy: None"),
        ["spec.dnsConfig: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None"],
    ),
    "a spread twice": (
        spec(
            "topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule},"
            " {maxSkew: 2, topologyKey: a, whenUnsatisfiable: DoNotSchedule}]"
        ),
        ['spec.topologySpreadConstraints[1].{topologyKey, whenUnsatisfiable}: Duplicate value: "{a, DoNotSchedule}"'],
    ),
    "domains of what is only wished for": (
        spread("maxSkew: 1, topologyKey: a, whenUnsatisfiable: ScheduleAnyway, minDomains: 2"),
        [
            "spec.topologySpreadConstraints[0].minDomains: Invalid value: 2: "
            "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"
        ],
    ),
    "keys of no selector": (
        spread("maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [b]"),
        [
            "spec.topologySpreadConstraints[0].matchLabelKeys: Forbidden: "
            "must not be specified when labelSelector is not set"
        ],
    ),
    "a node by two names": (
        spec(
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms:"
            " [{matchFields: [{key: metadata.name, operator: In, values: [a, b]}]}]}}}"
        ),
        [
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
            ".matchFields[0].values: Required value: "
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        ],
    ),
    "gated and placed": (
        spec("schedulingGates: [{name: a}], nodeName: n"),
        ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
    ),
    "a claim from nowhere": (
        spec("resourceClaims: [{name: gpu}]"),
        ["spec.resourceClaims[0]: Required value: must specify a resource claim source"],
    ),
    "a claim of no Pod": (
        container("resources: {claims: [{name: gpu}]}"),
        [
            'spec.containers[0].resources.claims[0]: Not found: "gpu": '
            "must be one of the names in pod.spec.resourceClaims which is empty"
        ],
    ),
    "two mounts in a place": (
        pod(
            "containers: [{name: web, image: a, volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /a}]}],"
            " volumes: [{name: v, emptyDir: {}}]"
        ),
        ['spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique'],
    ),
    "mounts that spread to the host": (
        pod(
            "containers: [{name: web, image: a, volumeMounts: [{name: v, mountPath: /a, mountPropagation:"
            " Bidirectional}]}], volumes: [{name: v, emptyDir: {}}]"
        ),
        [
            "spec.containers[0].volumeMounts[0].mountPropagation: Forbidden: "
            "Bidirectional mount propagation is available only to privileged containers"
        ],
    ),
    "read-only all the way, but not at the top": (
        pod(
            "containers: [{name: web, image: a, volumeMounts: [{name: v, mountPath: /a, recursiveReadOnly: Enabled}]}],"
            " volumes: [{name: v, emptyDir: {}}]"
        ),
        [
            "spec.containers[0].volumeMounts[0].recursiveReadOnly: Forbidden: "
            "may only be specified when readOnly is true"
        ],
    ),
    "a deadline for readiness": (
        container("readinessProbe: {exec: {command: [a]}, terminationGracePeriodSeconds: 5}"),
        [
            "spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: "
            "must not be set for readinessProbes"
        ],
    ),
    "what cannot be resized": (
        container("resizePolicy: [{resourceName: disk, restartPolicy: NotRequired}]"),
        ['spec.containers[0].resizePolicy: Unsupported value: "disk": supported values: "cpu", "memory"'],
    ),
    "rules without a policy": (
        container("restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [1]}}]"),
        ["spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used"],
    ),
    "less than no memory": (
        volume("emptyDir: {sizeLimit: -1}"),
        ["spec.volumes[0].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity"],
    ),
    "a claim without a template": (
        volume("ephemeral: {}"),
        ["spec.volumes[0].ephemeral.volumeClaimTemplate: Required value"],
    ),
    "an image of nothing": (volume("image: {}"), ["spec.volumes[0].image.reference: Required value"]),
}


@pytest.mark.parametrize("case", CASES)
def test_validation(case: str) -> None:
    manifest, expected = CASES[case]
    assert faults(prepared(manifest)) == expected


def test_a_volume_from_an_image_is_pulled_as_containers_are() -> None:
    tree = prepared(volume("image: {reference: 'a:latest'}"))
    assert tree["spec"]["volumes"][0]["image"]["pullPolicy"] == "Always"


def test_containers_for_debugging_stay_as_they_were() -> None:
    old = prepared(spec("ephemeralContainers: [{name: a, image: x}, {name: b, image: x}]"))
    new = prepared(spec("ephemeralContainers: [{name: a, image: y}, {name: c, image: x, targetContainerName: d}]"))
    assert [str(error) for error in validate_ephemeral(new, old)] == [
        'spec.ephemeralContainers: Forbidden: existing ephemeral containers "a" may not be changed\n',
        'spec.ephemeralContainers: Forbidden: existing ephemeral containers "b" may not be removed\n',
        'spec.ephemeralContainers[1].targetContainerName: Not found: "d"',
    ]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param("requests: {cpu: 2, memory: 1Gi}", [], id="more"),
        pytest.param(
            "limits: {cpu: 1, memory: 1Gi}",
            ['spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing'],
            id="another class",
        ),
        pytest.param(
            "requests: {memory: 1Gi}",
            ["spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed"],
            id="none any more",
        ),
        pytest.param(
            "requests: {cpu: 1, memory: 1Gi, ephemeral-storage: 1Gi}",
            ["spec: Forbidden: only cpu and memory resources are mutable"],
            id="storage",
        ),
    ],
)
def test_resizing(after: str, expected: list[str]) -> None:
    old = prepared(container("resources: {requests: {cpu: 1, memory: 1Gi}}"))
    new = prepared(container(f"resources: {{{after}}}"))
    assert [str(error) for error in validate_resize(new, old)] == expected
