"""What users are warned of."""

from __future__ import annotations

from knarr.api.kind import Kind
from knarr.api.kinds import deployments, pods
from tests.unit.api.manifests import container, defaulted, pod, workload

TWICE = container("env: [{name: A, value: a}, {name: B, value: b}, {name: A, value: c}]")
HIDES = 'spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply'


def warned(kind: Kind, manifest: str, old: str | None = None) -> list[str]:
    assert kind.warnings is not None
    return list(kind.warnings(defaulted(manifest), defaulted(old) if old else None))


def test_a_variable_that_hides_another() -> None:
    assert warned(pods.KIND, TWICE) == [HIDES]


def test_what_was_so_before_is_not_said_again() -> None:
    assert warned(pods.KIND, TWICE, old=TWICE) == []
    assert warned(pods.KIND, TWICE, old=container()) == [HIDES]


def test_git_volumes_are_of_the_past() -> None:
    volumes = "volumes: [{name: v, gitRepo: {repository: 'https://git.example/r'}}]"
    assert warned(pods.KIND, pod(f"containers: [{{name: web, image: nginx}}], {volumes}")) == [
        "spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+"
    ]


def test_names_that_are_no_hostnames() -> None:
    dotted = workload("apps/v1", "Deployment").replace("name: web, namespace", "name: web.v1, namespace")
    (warning,) = warned(deployments.KIND, dotted)
    assert warning.startswith(
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
        "a DNS label is recommended: [a lowercase RFC 1123 label must consist of"
    )
