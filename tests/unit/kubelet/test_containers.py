"""From a pod to what the runtime is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from knarr.kubelet.containers import container_config, security
from knarr.kubelet.cri.runtime import Image, PortMapping, Seccomp, Security
from knarr.kubelet.interfaces import ConfigError
from knarr.kubelet.options import PodOptions
from knarr.kubelet.sandboxes import sandbox_config
from tests.unit.kubelet.pods import pod

OPTIONS = PodOptions("node-1", ("192.0.2.1",), Path("/k"), Path("/logs"))
ROOT, USER, NAMED = Image("i", uid=0), Image("i", uid=1000), Image("i", username="web")


def secured(own: dict[str, Any], pods: dict[str, Any] | None = None, image: Image = ROOT) -> Security:
    one = pod({"containers": [{"name": "app", "securityContext": own}], "securityContext": pods or {}})
    return security(one, one.spec.containers[0], image, OPTIONS)


def test_the_containers_settings_win_over_the_pods() -> None:
    pods = {"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3, "seccompProfile": {"type": "RuntimeDefault"}}
    own = {"runAsUser": 5, "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}, "allowPrivilegeEscalation": False}
    assert secured(own, pods) == Security(
        run_as_user=5,
        run_as_group=2,
        supplemental_groups=(3,),
        no_new_privileges=True,
        add_capabilities=("NET_ADMIN",),
        drop_capabilities=("ALL",),
        seccomp=Seccomp("RuntimeDefault"),
    )


@pytest.mark.parametrize(
    ("own", "image", "message"),
    [
        ({"runAsUser": 0}, USER, "container's runAsUser breaks non-root policy"),
        ({}, ROOT, "container has runAsNonRoot and image will run as root"),
        (
            {},
            NAMED,
            "container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root",
        ),
    ],
    ids=["told to", "image's user", "by name"],
)
def test_root_is_refused(own: dict[str, Any], image: Image, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        secured({"runAsNonRoot": True, **own}, image=image)
    assert str(refused.value) == f'{message} (pod: "web_shop(u1)", container: app)'


def test_commands_are_expanded_and_labels_tell_whose_it_is() -> None:
    one = pod({"containers": [{"name": "app", "image": "x", "command": ["$(A)", "$$(A)"], "args": ["$(NONE)"]}]})
    config = container_config(
        one, one.spec.containers[0], OPTIONS, image=ROOT, attempt=2, variables=[("A", "b")], mounts=[]
    )
    assert (config.command, config.args, config.log_path) == (("b", "$(A)"), ("$(NONE)",), "app/2.log")
    assert config.labels == {
        "io.kubernetes.pod.name": "web",
        "io.kubernetes.pod.namespace": "shop",
        "io.kubernetes.pod.uid": "u1",
        "io.knarr.node": "node-1",
        "io.kubernetes.container.name": "app",
    }


def test_a_sandbox_forwards_host_ports_only() -> None:
    ports = [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]
    config = sandbox_config(pod({"containers": [{"name": "app", "ports": ports}]}), OPTIONS, "/knarr/podu1", 0)
    assert config.ports == (PortMapping(80, 8080),)
    assert (config.log_directory, config.cgroup_parent) == ("/logs/shop_web_u1", "/knarr/podu1")
