"""What a new Pod may not have yet, and what it stands for."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.unit.api.manifests import container, faults, pod, prepared, service, update_faults, workload

MIRROR = "kubernetes.io/config.mirror"
DEBUGGER = "ephemeralContainers: [{name: d, image: d}]"


def sleeping(seconds: int, more: str = "") -> str:
    hook = f"lifecycle: {{preStop: {{sleep: {{seconds: {seconds}}}}}}}"
    return pod(f"containers: [{{name: web, image: a, {hook}}}]{more}")


CASES = {
    "somebody who debugs": (
        pod(f"containers: [{{name: web, image: a}}], {DEBUGGER}"),
        ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
    ),
    "somebody who debugs all": (
        workload("apps/v1", "Deployment").replace("spec: {containers", f"spec: {{{DEBUGGER}, containers"),
        ["spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template"],
    ),
    "a short sleep": (sleeping(5), []),
    "a sleep longer than it is given": (
        sleeping(31),
        [
            "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: "
            "must be non-negative and less than terminationGracePeriodSeconds (30)"
        ],
    ),
    "a sleep longer than it asks for": (
        sleeping(6, ", terminationGracePeriodSeconds: 5"),
        [
            "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 6: "
            "must be non-negative and less than terminationGracePeriodSeconds (5)"
        ],
    ),
    "a mirror on no node": (
        container().replace("name: web,", f"name: web, annotations: {{{MIRROR}: x}},", 1),
        [f'metadata.annotations[{MIRROR}]: Invalid value: "": must set spec.nodeName if mirror pod annotation is set'],
    ),
    "addresses of a Service that lead nowhere": (
        service("ports: [{port: 80}], externalIPs: [127.0.0.1, 224.0.0.5]"),
        [
            'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
            'spec.externalIPs[1]: Invalid value: "224.0.0.5": '
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_created(case: str) -> None:
    manifest, expected = CASES[case]
    assert sorted(faults(prepared(manifest))) == expected


def test_a_pod_does_not_become_a_mirror_or_cease_to_be_one() -> None:
    plain = prepared(container())
    mirror = deepcopy(plain)
    mirror["metadata"]["annotations"] = {MIRROR: "x"}
    assert update_faults(mirror, plain) == [
        f"metadata.annotations[{MIRROR}]: Forbidden: may not add mirror pod annotation"
    ]
    assert update_faults(plain, mirror) == [
        f"metadata.annotations[{MIRROR}]: Forbidden: may not remove or update mirror pod annotation"
    ]
