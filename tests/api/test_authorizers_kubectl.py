"""Configured authorizers as kubectl's users meet them, at a server in a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from knarr.cluster.flags.authorization import Authorization
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.table import APIFlags
from tests.api.authorizers import Configuration, says
from tests.api.certificates import Authority
from tests.api.processes import NEWEST, OLDEST, PATIENCE, ServerProcess, configured, launched
from tests.api.webhooks import Hook, hook
from tests.kubectl import Kubectl

JSON = dict[str, Any]


@dataclass
class Judged:
    """A server whose webhook lets bob see ConfigMaps labelled app=web, and asks nobody about Secrets."""

    server: ServerProcess
    webhook: Hook
    file: Configuration
    bob: tuple[str, ...]

    async def run(self, binary: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """kubectl as bob."""
        kubectl = Kubectl(Path("/dev/null"), binary=binary)
        return await asyncio.to_thread(kubectl.run, *self.bob, *arguments)


def only_labelled(review: JSON) -> JSON:
    about = review["spec"].get("resourceAttributes", {})
    wanted = [{"key": "app", "operator": "In", "values": ["web"]}]
    if about.get("resource") == "secrets":
        return says(denied=True, reason="secrets are secret")(review)
    if about.get("resource") == "configmaps" and about.get("verb") in ("list", "watch"):
        return says(allowed=about.get("labelSelector", {}).get("requirements") == wanted)(review)
    return says(allowed=False)(review)


@pytest.fixture(params=[OLDEST, NEWEST], ids=lambda binary: binary.name)
def binary(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
async def judged(tmp_path: Path) -> AsyncIterator[Judged]:
    async with hook(Authority(tmp_path, "hooks"), only_labelled) as webhook:
        file = Configuration(tmp_path / "authz.yaml", webhook)
        file.write(file.ask("ours.example.com", "/ours"), "Node", "RBAC")
        flags = Authorization(authorization_config=File(str(file.path)))
        config = configured(tmp_path, api=APIFlags(authorization=flags))
        server = await asyncio.to_thread(launched, config, tmp_path / "server.log")
        pair = Authority.found(tmp_path, config.pki / "ca.crt", config.pki / "ca.key").issue("bob")
        trusted = (f"--server=https://127.0.0.1:{config.api_port}", f"--certificate-authority={config.pki / 'ca.crt'}")
        own = (f"--client-certificate={pair.certificate}", f"--client-key={pair.key}")
        try:
            yield Judged(server, webhook, file, (*trusted, *own))
        finally:
            server.process.terminate()
            await asyncio.to_thread(server.process.wait, PATIENCE)


async def test_a_webhook_and_its_file(judged: Judged, binary: Path) -> None:
    refused = await judged.run(binary, "get", "configmaps")
    assert 'User "bob" cannot list resource "configmaps"' in refused.stderr
    assert (await judged.run(binary, "get", "configmaps", "-l", "app=web")).returncode == 0
    assert (await judged.run(binary, "get", "configmaps", "-l", "app in (web,db)")).returncode == 1
    refused = await judged.run(binary, "get", "secrets")
    assert refused.stderr.rstrip().endswith('in the namespace "default": secrets are secret')
    asked = await judged.run(binary, "auth", "can-i", "list", "secrets")
    assert (asked.returncode, asked.stdout) == (1, "no - secrets are secret\n")
    listed = await judged.run(binary, "auth", "can-i", "--list")
    assert "webhook authorizer does not support user rule resolution" in listed.stderr
    assert "selfsubjectreviews.authentication.k8s.io" in listed.stdout
    await _without_the_webhook(judged, binary)


async def _without_the_webhook(judged: Judged, binary: Path) -> None:
    judged.file.write("Node", "RBAC")
    admin = judged.server.kubectl(binary)
    await asyncio.to_thread(admin, "create", "rolebinding", "bob", "--clusterrole=edit", "--user=bob")
    asked = ("auth", "can-i", "list", "secrets")
    for _ in range(50):  # the file is looked at once a second
        if (found := await judged.run(binary, *asked)).returncode == 0:
            break
        await asyncio.sleep(0.1)
    assert found.stdout == "yes\n"
