"""What breaks which standard, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.api.podsecurity.check import Level
from knarr.api.podsecurity.policies import Policy, Standard, policy_of

JSON = dict[str, Any]
HARDENED = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(*containers: JSON, annotations: JSON | None = None, **spec: Any) -> JSON:
    """A Pod that fulfils every standard, but for what is said."""
    named = [{"name": "abcd"[n], "securityContext": HARDENED, **each} for n, each in enumerate(containers or ({},))]
    return {"metadata": {"annotations": annotations or {}}, "spec": {"containers": named, **spec}}


def context(**security: Any) -> JSON:
    return {"securityContext": {**HARDENED, **security}}


def broken(obj: JSON, level: Level = "restricted", version: str = "latest") -> list[str]:
    return [str(v) for v in Standard(level, version).violations(obj["metadata"], obj["spec"])]


BASELINE = [
    pytest.param(pod(hostNetwork=True, hostPID=True), "host namespaces (hostNetwork=true, hostPID=true)", id="host"),
    pytest.param(
        pod(context(privileged=True), {}, context(privileged=True)),
        'privileged (containers "a", "c" must not set securityContext.privileged=true)',
        id="privileged",
    ),
    pytest.param(
        pod(context(capabilities={"add": ["SYS_ADMIN", "CHOWN", "BPF"], "drop": ["ALL"]})),
        'non-default capabilities (container "a" must not include "BPF", "SYS_ADMIN" in '
        "securityContext.capabilities.add)",
        id="capabilities",
    ),
    pytest.param(
        pod({"ports": [{"containerPort": 1, "hostPort": 80}, {"hostPort": 443}]}, {"ports": [{"containerPort": 8}]}),
        'hostPort (container "a" uses hostPorts 443, 80)',
        id="host ports",
    ),
    pytest.param(
        pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), 'hostPath volumes (volume "v")', id="host path"
    ),
    pytest.param(
        pod(context(procMount="Unmasked")),
        'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
        id="proc mount",
    ),
    pytest.param(
        pod(
            context(appArmorProfile={"type": "Unconfined"}), securityContext={"appArmorProfile": {"type": "Localhost"}}
        ),
        'forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")',
        id="AppArmor",
    ),
    pytest.param(
        pod(annotations={"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}),
        "forbidden AppArmor profile (annotation must not set AppArmor profile type to "
        '"container.apparmor.security.beta.kubernetes.io/a="unconfined"")',
        id="AppArmor by annotation",
    ),
    pytest.param(
        pod(context(seLinuxOptions={"type": "spc_t", "user": "u"}), securityContext={"seLinuxOptions": {"role": "r"}}),
        'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: '
        'type "spc_t"; user may not be set; role may not be set)',
        id="SELinux",
    ),
    pytest.param(
        pod(securityContext={"seccompProfile": {"type": "Unconfined"}}),
        'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
        id="seccomp",
    ),
    pytest.param(
        pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_rmem"}, {"name": "kernel.a"}, {"name": "kernel.b"}]}),
        "forbidden sysctls (kernel.a, kernel.b)",
        id="sysctls",
    ),
    pytest.param(
        pod(securityContext={"windowsOptions": {"hostProcess": True}}),
        "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
        id="Windows",
    ),
    pytest.param(
        pod({"livenessProbe": {"httpGet": {"host": "h"}}, "lifecycle": {"preStop": {"tcpSocket": {"host": "g"}}}}),
        'probe or lifecycle host (container "a" uses probe or lifecycle hosts "g", "h")',
        id="probes",
    ),
]

RESTRICTED = [
    pytest.param(
        pod({"securityContext": {**HARDENED, "allowPrivilegeEscalation": None}}),
        'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false)',
        id="escalation",
    ),
    pytest.param(
        pod(context(capabilities={"add": ["CHOWN", "NET_BIND_SERVICE"]}), {}),
        'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; '
        'container "a" must not include "CHOWN" in securityContext.capabilities.add)',
        id="capabilities",
    ),
    pytest.param(
        pod(volumes=[{"name": "n", "nfs": {}}, {"name": "e", "emptyDir": {}}, {"name": "h", "hostPath": {}}]),
        'restricted volume types (volumes "n", "h" use restricted volume types "hostPath", "nfs")',
        id="volumes",
    ),
    pytest.param(
        pod({"securityContext": {**HARDENED, "runAsNonRoot": None}}),
        'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
        id="root is possible",
    ),
    pytest.param(
        pod(context(runAsNonRoot=False), securityContext={"runAsNonRoot": True}),
        'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)',
        id="root is wanted",
    ),
    pytest.param(
        pod(context(runAsUser=0), securityContext={"runAsUser": 0}),
        'runAsUser=0 (pod and container "a" must not set runAsUser=0)',
        id="root by number",
    ),
    pytest.param(
        pod({"securityContext": {**HARDENED, "seccompProfile": None}}),
        'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to '
        '"RuntimeDefault" or "Localhost")',
        id="seccomp",
    ),
]


@pytest.mark.parametrize(("obj", "violation"), BASELINE)
def test_what_baseline_forbids(obj: JSON, violation: str) -> None:
    assert broken(obj, "baseline") == [violation]
    assert broken(obj, "privileged") == []


@pytest.mark.parametrize(("obj", "violation"), RESTRICTED)
def test_what_restricted_forbids_besides(obj: JSON, violation: str) -> None:
    assert broken(obj) == [violation]


def test_all_is_well() -> None:
    assert broken(pod()) == []
    assert broken(pod(securityContext=HARDENED, volumes=[{"name": "v", "configMap": {}}])) == []


@pytest.mark.parametrize(
    ("obj", "version", "expected"),
    [
        pytest.param(pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_rmem"}]}), "v1.31", 1, id="not yet safe"),
        pytest.param(pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_rmem"}]}), "v1.32", 0, id="safe since"),
        pytest.param(pod({"livenessProbe": {"httpGet": {"host": "h"}}}), "v1.33", 0, id="not yet forbidden"),
        pytest.param(pod(context(runAsUser=0), hostUsers=False), "v1.34", 1, id="user namespaces made no difference"),
        pytest.param(pod(context(runAsUser=0), hostUsers=False), "latest", 0, id="they do"),
        pytest.param(pod({"securityContext": {"runAsNonRoot": True}}), "v1.7", 0, id="less was asked"),
        pytest.param(
            pod({"securityContext": {"runAsNonRoot": True}}, os={"name": "windows"}), "latest", 0, id="Windows"
        ),
    ],
)
def test_standards_by_version(obj: JSON, version: str, expected: int) -> None:
    assert len(broken(obj, version=version)) == expected


def labels(**values: str) -> dict[str, str]:
    return {f"pod-security.kubernetes.io/{name.replace('_', '-')}": value for name, value in values.items()}


def test_policies_of_labels() -> None:
    assert policy_of({"a": "b"}) == (Policy(), [])
    assert policy_of(labels(enforce="baseline", enforce_version="v1.30", warn="restricted", audit="baseline")) == (
        Policy(Standard("baseline", "v1.30"), Standard("baseline"), Standard("restricted")),
        [],
    )


def test_who_enforces_warns() -> None:
    baseline = Standard("baseline", "v1.30")
    assert policy_of(labels(enforce="baseline", enforce_version="v1.30"))[0] == Policy(baseline, warn=baseline)


def test_labels_that_say_nothing() -> None:
    policy, errors = policy_of(labels(enforce="strict", warn_version="1.30"))
    assert policy.enforce == Standard("restricted")
    assert [str(error) for error in errors] == [
        'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": '
        "must be one of privileged, baseline, restricted",
        'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.30": must be "latest" or "v1.x"',
    ]
