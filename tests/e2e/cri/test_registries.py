"""Images from a registry that wants to know who asks: docker-registry with a password, on loopback."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from images.build import applets, fetch, image_config, pack, push
from images.build import registry as open_registry
from images.recipes import BASE_FILES, BASE_PACKAGES, Recipe
from knarr.client.resources import SECRETS
from knarr.cluster.registry import registry_config
from tests.e2e.cri.node import Node, is_ready, state
from tests.e2e.cri.test_pods import WAIT, shell

JSON = dict[str, Any]
USER, PASSWORD = "ali", "open sesame"
HASHED = "$2b$04$nMpll5hp1olsOdvp2NmxK.n7bSOST7g5ZXQuGMWWlgf7WlesQeRLG"  # the registry takes bcrypt alone


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry's storage with one image, `private/tool:1`."""
    storage, packages = tmp_path_factory.mktemp("registry"), fetch(BASE_PACKAGES)
    layers = [pack(list(packages.values()), BASE_FILES, (), ("proc", "sys", "dev")), applets(packages["busybox"])]
    with open_registry(storage) as url:
        push(url, "private/tool", "1", image_config(Recipe(names=("tool",), command=("/bin/sh",)), layers), layers)
    return storage


@pytest.fixture
def registry(storage: Path, tmp_path: Path) -> Iterator[str]:
    """Host and port of the locked registry; other ones each time, so that no test profits from another's pulls."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    (tmp_path / "htpasswd").write_text(f"{USER}:{HASHED}\n")
    lock = f"auth: {{htpasswd: {{realm: cave, path: {tmp_path / 'htpasswd'}}}}}\n"
    (tmp_path / "registry.yml").write_text(registry_config(storage, port) + lock)
    with subprocess.Popen(
        ["docker-registry", "serve", str(tmp_path / "registry.yml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        deadline = time.monotonic() + 10
        while not listens(port):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield f"127.0.0.1:{port}"
        server.terminate()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


async def login(node: Node, registry: str, name: str, password: str = PASSWORD) -> JSON:
    """A secret as `kubectl create secret docker-registry` makes it; returns what a pod says to use it."""
    auth = base64.b64encode(f"{USER}:{password}".encode()).decode()
    config = {"auths": {registry: {"username": USER, "password": password, "auth": auth}}}
    data = {".dockerconfigjson": base64.b64encode(json.dumps(config).encode()).decode()}
    body = {"metadata": {"name": name}, "type": "kubernetes.io/dockerconfigjson", "data": data}
    await node.client.create(SECRETS, body, "default")
    return {"imagePullSecrets": [{"name": name}]}


def tool(registry: str, **fields: Any) -> JSON:
    return {"containers": [shell(WAIT, image=f"{registry}/private/tool:1", **fields)]}


def why_waiting(pod: JSON) -> str:
    reason: str = state(pod).get("waiting", {}).get("reason", "")
    return reason


async def test_nobody_wrong_and_right(node: Node, registry: str) -> None:
    await node.create("nobody", tool(registry))
    await node.create("wrong", {**tool(registry), **await login(node, registry, "wrong", "open barley")})
    for name in ("nobody", "wrong"):
        pod = await node.until(name, lambda p: why_waiting(p) == "ErrImagePull")
        assert "401 Unauthorized" in state(pod)["waiting"]["message"]
    await node.create("right", {**tool(registry), **await login(node, registry, "right")})
    pod = await node.until("right", is_ready)
    assert pod["status"]["containerStatuses"][0]["image"] == f"{registry}/private/tool:1"
    assert any(text.startswith("Pulled: Successfully pulled image") for text in await node.told("right"))


async def test_the_right_one_of_several_secrets_is_found(node: Node, registry: str) -> None:
    await login(node, registry, "wrong", "open barley")
    await login(node, registry, "right")
    secrets = [{"name": "missing"}, {"name": "wrong"}, {"name": "right"}]
    await node.create("web", {**tool(registry), "imagePullSecrets": secrets})
    await node.until("web", is_ready)


async def test_policies(node: Node, registry: str) -> None:
    secret = await login(node, registry, "right")
    await node.create("early", tool(registry, imagePullPolicy="Never"))
    pod = await node.until("early", lambda p: why_waiting(p) == "ErrImageNeverPull")
    image = f"{registry}/private/tool:1"
    text = f'Container image "{image}" is not present with pull policy of Never'
    assert state(pod)["waiting"]["message"] == text
    for policy in ("Always", "Never", "IfNotPresent"):
        await node.create(policy.lower(), {**tool(registry, imagePullPolicy=policy), **secret})
        await node.until(policy.lower(), is_ready)
    present = f'Pulled: Container image "{image}" already present on machine and can be accessed by the pod'
    assert (await node.told("never"))[0] == (await node.told("ifnotpresent"))[0] == present
    await node.create("again", tool(registry, imagePullPolicy="Always"))
    await node.until("again", lambda p: why_waiting(p) == "ErrImagePull")
