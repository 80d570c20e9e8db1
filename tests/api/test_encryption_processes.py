"""Servers as users run them, encrypting: what kubectl sees, what lies on the disk and in etcd, and what is refused."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from knarr.api import protobuf
from knarr.cluster.config import Config, save
from knarr.cluster.flags.encryption import Encryption
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.table import APIFlags
from knarr.storage.etcd import EtcdStore
from knarr.storage.sealing.ciphers import GCM
from knarr.storage.store import Write
from tests.api.encryption import IDENTITY, keys, plugin, write
from tests.api.processes import PATIENCE, ServerProcess, configured, launched
from tests.kms import kms_plugin
from tests.storage.etcds import Etcd, etcd, on_etcd

PASSWORD = "hunter2hunter2"
STORED = "/registry/secrets/default/"


@contextmanager
def running(config: Config, log: Path) -> Iterator[ServerProcess]:
    server = launched(config, log)
    try:
        yield server
    finally:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0, server.said()


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    found = configured(tmp_path, api=encrypting(tmp_path / "encryption.yaml"))
    yield found
    shutil.rmtree(found.root)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "encryption.yaml"


def encrypting(file: Path, *, reload: bool = False) -> APIFlags:
    told = Encryption(encryption_provider_config=File(str(file)), encryption_provider_config_automatic_reload=reload)
    return APIFlags(encryption=told)


def on_disk(config: Config, text: str) -> bool:
    """Whether any file of the store holds it, as it is or as a Secret has it."""
    encoded = base64.b64encode(text.encode()).rstrip(b"=")
    return any(encoded in data or text.encode() in data for data in map(Path.read_bytes, config.root.glob("state.db*")))


def create(server: ServerProcess, name: str) -> None:
    server.kubectl()("create", "secret", "generic", name, f"--from-literal=password={PASSWORD}")


def password(server: ServerProcess, name: str) -> str:
    found = server.kubectl()("get", "secret", name, "-o", "jsonpath={.data.password}")
    return base64.b64decode(found).decode()


def revisions(server: ServerProcess) -> dict[str, str]:
    items = server.send("GET", "/api/v1/namespaces/default/secrets").json["items"]
    return {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in items}


def rotate(server: ServerProcess) -> None:
    kubectl = server.kubectl(namespace="")
    kubectl("replace", "-f", "-", stdin=kubectl("get", "secrets", "-A", "-o", "json"))


def test_from_plain_to_encrypted_and_too_early_back(config: Config, file: Path, tmp_path: Path) -> None:
    """The journey of upstream's page, each step a server that reads what the one before has left."""
    plain = msgspec.structs.replace(config, api=APIFlags())
    save(plain)
    with running(plain, tmp_path / "log") as server:
        create(server, "first")
    assert on_disk(config, PASSWORD)
    save(config)
    write(file, keys("secretbox", "new"), IDENTITY)
    with running(config, tmp_path / "log") as server:
        create(server, "second")
        before = revisions(server)
        rotate(server)
        assert {name for name, revision in revisions(server).items() if revision != before[name]} == {"first"}
        assert [password(server, name) for name in ("first", "second")] == [PASSWORD, PASSWORD]
        told = server.send("GET", "/metrics").body
        assert 'transformer_prefix="k8s:enc:secretbox:v1:",status="OK"' in told
    save(plain)
    with running(plain, tmp_path / "log") as server:
        said = server.kubectl().run("get", "secret", "first").stderr
        why = "Internal error occurred: identity transformer tried to read encrypted data"
        assert said.strip() == f"Error from server (InternalError): {why}"
        way = "/api/v1/namespaces/default/secrets/first?ignoreStoreReadErrorWithClusterBreakingPotential=true"
        server.kubectl()("delete", "--raw", way)
        assert "NotFound" in server.kubectl().run("get", "secret", "first").stderr


def test_nothing_of_a_secret_is_on_the_disk(config: Config, file: Path, tmp_path: Path) -> None:
    write(file, keys("aesgcm", "one"))
    with running(config, tmp_path / "log") as server:
        create(server, "first")
        server.kubectl()("patch", "secret", "first", "-p", '{"stringData":{"other":"swordfish swordfish"}}')
        server.kubectl()("create", "configmap", "open", "--from-literal=text=nothing to hide")
        assert not on_disk(config, PASSWORD) and not on_disk(config, "swordfish swordfish")
        assert on_disk(config, "nothing to hide")
    assert not on_disk(config, PASSWORD) and not on_disk(config, "swordfish swordfish")
    assert PASSWORD not in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(
            None, "error reading encryption provider configuration file: No such file or directory", id="no file"
        ),
        pytest.param("", "encryption provider configuration file is empty", id="empty"),
        pytest.param(
            "kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources:\n- resource: []\n",
            'failed decoding: strict decoding error: unknown field "resources[0].resource"',
            id="unknown field",
        ),
        pytest.param(
            "kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\n"
            "resources:\n- resources: [secrets]\n  providers:\n  - aesgcm: {keys: [{name: k, secret: AAAA}]}\n",
            'resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected '
            "length, got 3, expected one of [16 24 32]",
            id="short key",
        ),
    ],
)
def test_a_server_with_a_bad_file_does_not_start(config: Config, file: Path, content: str | None, why: str) -> None:
    if content is not None:
        file.write_text(content)
    command = [sys.executable, "-m", "knarr", "server", "--data-dir", config.data]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode != 0, f"--encryption-provider-config {file}: {why}" in done.stderr) == (True, True), (
        done.stderr
    )
    assert "Traceback" not in done.stderr


def test_a_plugin_s_outage_is_seen_in_health_and_got_over(config: Config, file: Path, tmp_path: Path) -> None:
    """Though everything is encrypted by it: namespaces, roles, leases."""
    with kms_plugin(tmp_path / "kms") as kms:
        write(file, plugin(kms.socket), resources=("*.*",))
        with running(config, tmp_path / "log") as server:
            create(server, "first")
            for path in ("livez", "readyz", "healthz"):
                assert "[+]kms-providers ok" in server.send("GET", f"/{path}?verbose").body
            kms.stop()
            create(server, "second")
        kms.order(healthz="no")
        with subprocess_ready(config, tmp_path / "log") as server:
            assert "[-]kms-providers failed: reason withheld" in server.send("GET", "/readyz?verbose").body
            assert server.send("GET", "/api/v1/namespaces/default/secrets/first").failure[:2] == (500, "InternalError")
            assert server.send("GET", "/version").status == 200
            kms.order(healthz="ok")
            kms.start()
            _until(lambda: server.send("GET", "/readyz").status == 200)
            assert [password(server, name) for name in ("first", "second")] == [PASSWORD, PASSWORD]


@contextmanager
def subprocess_ready(config: Config, log: Path) -> Iterator[ServerProcess]:
    """A server that answers, though it does not say that it is ready."""
    command = [sys.executable, "-m", "knarr", "server", "--data-dir", config.data]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    server = ServerProcess(config, log, process)
    try:
        _until(lambda: "[+]etcd ok" in server.send("GET", "/readyz?verbose").body)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0, server.said()


def _until(true: object) -> None:
    assert callable(true)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("it did not come to be")


async def test_on_etcd_it_is_as_upstream_s_server_finds_and_leaves_it(file: Path, tmp_path: Path) -> None:
    """Under a prefix of its own, which is part of what a value is bound to."""
    write(file, keys("aesgcm", "one"))
    with etcd(tmp_path) as shared:
        config = configured(tmp_path, **on_etcd(shared), etcd_prefix="/moved", api=encrypting(file))
        await _both_ways(shared, config, tmp_path)


async def _both_ways(shared: Etcd, config: Config, tmp_path: Path) -> None:
    raw = await EtcdStore.open(shared.endpoints, tls=shared.tls(), keep_seconds=0, root="/moved")
    cipher, prefix = GCM(b"one".ljust(32)), b"k8s:enc:aesgcm:v1:one:"
    try:
        with running(config, tmp_path / "log") as server:
            create(server, "ours")
            ours = await raw.get(f"{STORED}ours")
            assert ours and ours.value.startswith(prefix)
            place = b"/moved/secrets/default/ours"
            assert json.loads(cipher.open(ours.value.removeprefix(prefix), place))["metadata"]["name"] == "ours"
            metadata = {"name": "theirs", "namespace": "default", "uid": "9a9bdb75-3ef4-4f5c-8b7f-1cb2b1a0c111"}
            tree = {
                "kind": "Secret",
                "apiVersion": "v1",
                "metadata": metadata,
                "type": "Opaque",
                "data": {"password": "aHVudGVyMg=="},
            }
            value = cipher.seal(protobuf.encode(tree), b"/moved/secrets/default/theirs")
            await raw.commit([Write(f"{STORED}theirs", prefix + value)])
            assert password(server, "theirs") == "hunter2"
            server.kubectl()("label", "secret", "theirs", "a=b")
            assert password(server, "theirs") == "hunter2"
        with running(config, tmp_path / "log") as server:
            assert [password(server, name) for name in ("ours", "theirs")] == [PASSWORD, "hunter2"]
    finally:
        await raw.close()
        shutil.rmtree(config.root)
