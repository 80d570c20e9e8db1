from __future__ import annotations

import asyncio
import os
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from knarr.client.client import Client
from knarr.kubelet.interfaces import ConfigError, VolumeError
from knarr.kubelet.volumes.manager import VolumeManager
from knarr.kubelet.volumes.mounts import is_mounted, mounts_below
from knarr.machinery.clock import VirtualClock
from knarr.wire.messages import Request, Response
from tests.unit.fake_api import FakeAPI
from tests.unit.kubelet.pods import mounting, pod

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
CONFIG = "/api/v1/namespaces/shop/configmaps/config"
SECRET = "/api/v1/namespaces/shop/secrets/keys"


class TokenAPI(FakeAPI):
    """Gives a new token to each TokenRequest."""

    async def request(self, request: Request) -> Response:
        if not request.path.endswith("/token"):
            return await super().request(request)
        body = msgspec.json.decode(request.body)
        self.requests.append((request.method, request.path, body))
        answer = {"spec": body["spec"], "status": {"token": f"token {len(self.requests)}"}}
        return Response(201, {}, msgspec.json.encode(answer))


@pytest.fixture
def api() -> TokenAPI:
    return TokenAPI()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def manager(api: TokenAPI, clock: VirtualClock, tmp_path: Path) -> AsyncIterator[VolumeManager]:
    made = VolumeManager(Client(api), clock, tmp_path)
    yield made
    await made.unmount("u1")
    await made.close()
    assert not mounts_below(tmp_path)


async def path_of(manager: VolumeManager, volume: dict[str, Any], **metadata: Any) -> Path:
    return Path((await manager.mount(mounting(volume, **metadata)))["v"].host_path)


def files(volume: Path) -> dict[str, str]:
    """What a container sees: names without the machinery behind them."""
    found = (path for path in volume.rglob("*") if ".." not in str(path.relative_to(volume)) and path.is_file())
    linked = {str(path.relative_to(volume)): path.read_text() for path in found}
    nested = ((entry.name, entry) for entry in volume.iterdir() if not entry.name.startswith(".."))
    below = {
        f"{name}/{path.relative_to(folder)}": path.read_text()
        for name, folder in nested
        if folder.is_dir()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return linked | below


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0)


async def test_config_map_shows_its_keys_and_follows_changes(manager: VolumeManager, api: TokenAPI) -> None:
    api.put(CONFIG, {"data": {"a": "1", "b": "2"}, "binaryData": {"c": b64encode(b"3").decode()}})
    volume = await path_of(manager, {"configMap": {"name": "config"}})
    assert files(volume) == {"a": "1", "b": "2", "c": "3"}
    assert (volume / "a").stat().st_mode & 0o777 == 0o644
    await until(lambda: bool(api.streams))
    api.put(CONFIG, {"data": {"a": "new", "d": "4"}})
    await until(lambda: files(volume) == {"a": "new", "d": "4"})
    version = (volume / "..data").readlink().name
    assert version.startswith("..2026_01_01_00_00_00.")
    assert {entry.name for entry in volume.iterdir()} == {"..data", version, "a", "d"}


async def test_items_choose_paths_and_modes(manager: VolumeManager, api: TokenAPI) -> None:
    api.put(CONFIG, {"data": {"a": "1", "b": "2"}})
    items = [{"key": "a", "path": "deep/er/a", "mode": 0o400}, {"key": "b", "path": "deep/b"}]
    volume = await path_of(manager, {"configMap": {"name": "config", "items": items, "defaultMode": 0o640}})
    assert files(volume) == {"deep/er/a": "1", "deep/b": "2"}
    modes = [(volume / path).stat().st_mode & 0o777 for path in ("deep/er/a", "deep/b")]
    assert modes == [0o400, 0o640]


@needs_root
async def test_secret_lives_in_memory(manager: VolumeManager, api: TokenAPI) -> None:
    api.put(SECRET, {"data": {"password": b64encode(b"swordfish").decode()}})
    volume = await path_of(manager, {"secret": {"secretName": "keys", "defaultMode": 0o400}})
    assert files(volume) == {"password": "swordfish"}
    assert is_mounted(volume)


@needs_root
async def test_downward_api_follows_the_pod(manager: VolumeManager) -> None:
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "note", "fieldRef": {"fieldPath": "metadata.annotations['note']"}},
    ]
    source = {"downwardAPI": {"items": items}}
    volume = await path_of(manager, source, labels={"b": 'say "x"', "a": "1"}, annotations={"note": "n"})
    assert files(volume) == {"labels": 'a="1"\nb="say \\"x\\""', "note": "n"}
    manager.update(mounting(source, labels={"a": "2"}))
    await until(lambda: files(volume) == {"labels": 'a="2"', "note": ""})


@needs_root
async def test_projected_token_is_renewed_at_four_fifths_of_its_life(
    manager: VolumeManager, api: TokenAPI, clock: VirtualClock
) -> None:
    api.put(CONFIG, {"data": {"ca.crt": "CA"}})
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 1000, "audience": "vault"}},
        {"configMap": {"name": "config"}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    volume = await path_of(manager, {"projected": {"sources": sources}})
    assert files(volume) == {"token": "token 1", "ca.crt": "CA", "namespace": "shop"}
    assert api.requests[0][1:] == (
        "/api/v1/namespaces/shop/serviceaccounts/default/token",
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": ["vault"],
                "expirationSeconds": 1000,
                "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "u1"},
            },
        },
    )
    await until(lambda: bool(api.streams))
    api.put(CONFIG, {"data": {"ca.crt": "CA 2"}})
    await until(lambda: files(volume)["ca.crt"] == "CA 2")
    await clock.advance(0)  # the follower goes to sleep again
    await clock.advance(789)
    assert files(volume)["token"] == "token 1"
    await clock.advance(11)  # within the last ten seconds, each Pod at a moment of its own
    await until(lambda: files(volume)["token"] == "token 2")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param({"configMap": {"name": "none"}}, 'configmap "none" not found', id="no config map"),
        pytest.param({"secret": {"secretName": "none"}}, 'secret "none" not found', id="no secret"),
        pytest.param(
            {"configMap": {"name": "config", "items": [{"key": "z", "path": "z"}]}},
            "configmap references non-existent config key: z",
            id="no key",
        ),
        pytest.param(
            {"hostPath": {"path": "/none", "type": "Directory"}},
            "hostPath type check failed: /none is not a directory",
            id="no directory",
        ),
        pytest.param(
            {"nfs": {"server": "s", "path": "/"}}, "volumes of type nfs are not supported by this node", id="nfs"
        ),
        pytest.param(
            {"downwardAPI": {"items": [{"path": "x", "fieldRef": {"fieldPath": "spec.nothing"}}]}},
            "unsupported fieldPath: spec.nothing",
            id="no field",
        ),
        pytest.param(
            {"emptyDir": {"medium": "HugePages"}},
            'emptyDir medium "HugePages" is not supported by this node',
            id="huge pages",
        ),
    ],
)
async def test_a_volume_that_cannot_be_says_why(
    manager: VolumeManager, api: TokenAPI, source: dict[str, Any], message: str
) -> None:
    api.put(CONFIG, {"data": {"a": "1"}})
    with pytest.raises(VolumeError) as error:
        await manager.mount(mounting(source))
    assert str(error.value) == f'MountVolume.SetUp failed for volume "v" : {message}'


@pytest.mark.parametrize(
    ("source", "read_only"), [({"configMap": {"name": "config"}}, True), ({"emptyDir": {}}, False)]
)
async def test_containers_cannot_write_what_the_api_says(
    manager: VolumeManager, api: TokenAPI, source: dict[str, Any], read_only: bool
) -> None:
    api.put(CONFIG, {"data": {"a": "1"}})
    assert (await manager.mount(mounting(source)))["v"].read_only is read_only


async def test_optional_sources_may_be_missing_and_appear_later(manager: VolumeManager, api: TokenAPI) -> None:
    volume = await path_of(manager, {"configMap": {"name": "config", "optional": True}})
    assert files(volume) == {}
    await until(lambda: bool(api.streams))
    api.put(CONFIG, {"data": {"a": "1"}})
    await until(lambda: files(volume) == {"a": "1"})


async def test_what_no_container_mounts_is_left_alone(manager: VolumeManager) -> None:
    unused = pod({"volumes": [{"name": "v", "configMap": {"name": "none"}}]})
    assert await manager.mount(unused) == {}


async def test_watches_end_with_their_last_volume(manager: VolumeManager, api: TokenAPI) -> None:
    api.put(CONFIG, {"data": {"a": "1"}})
    await manager.mount(mounting({"configMap": {"name": "config"}}))
    await until(lambda: bool(api.streams))
    await manager.unmount("u1")
    await until(lambda: api.streams[0].status == 0)


async def test_empty_dir_survives_a_restart_and_ends_with_the_pod(
    manager: VolumeManager, api: TokenAPI, clock: VirtualClock, tmp_path: Path
) -> None:
    volume = await path_of(manager, {"emptyDir": {}})
    (volume / "file").write_text("kept")
    assert volume == tmp_path / "pods/u1/volumes/kubernetes.io~empty-dir/v"
    assert volume.stat().st_mode & 0o7777 == 0o777
    reborn = VolumeManager(Client(api), clock, tmp_path)
    assert reborn.known() == {"u1"}
    assert files(await path_of(reborn, {"emptyDir": {}})) == {"file": "kept"}
    await reborn.unmount("u1")
    assert reborn.known() == set()


@needs_root
async def test_empty_dir_in_memory_is_a_tmpfs_of_its_size(manager: VolumeManager, tmp_path: Path) -> None:
    volume = await path_of(manager, {"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
    status = os.statvfs(volume)
    assert status.f_blocks * status.f_frsize == 1024 * 1024
    await manager.unmount("u1")
    assert not volume.exists()


@needs_root
async def test_fs_group_owns_what_is_new(manager: VolumeManager) -> None:
    grouped = mounting({"emptyDir": {}})
    grouped = msgspec.structs.replace(
        grouped,
        spec=msgspec.structs.replace(
            grouped.spec, security_context=msgspec.structs.replace(grouped.spec.security_context, fs_group=4242)
        ),
    )
    volume = Path((await manager.mount(grouped))["v"].host_path)
    assert (volume.stat().st_gid, volume.stat().st_mode & 0o7777) == (4242, 0o2777)


async def test_an_empty_dir_over_its_limit_is_told(api: TokenAPI, clock: VirtualClock, tmp_path: Path) -> None:
    told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    manager = VolumeManager(Client(api), clock, tmp_path, exceeded=lambda uid, message: told.put_nowait((uid, message)))
    volume = await path_of(manager, {"emptyDir": {"sizeLimit": "64Ki"}})
    (volume / "small").write_bytes(b"x" * 1024)
    await asyncio.sleep(0)
    await clock.advance(10)
    await until(lambda: clock.next_wake is not None)
    assert told.empty()
    (volume / "big").write_bytes(b"x" * 100 * 1024)
    await clock.advance(10)
    async with asyncio.timeout(5):
        assert await told.get() == ("u1", 'Usage of EmptyDir volume "v" exceeds the limit "64Ki". ')
    await manager.unmount("u1")


@pytest.mark.parametrize(
    ("kind", "made"),
    [("DirectoryOrCreate", Path.is_dir), ("FileOrCreate", Path.is_file)],
)
async def test_host_path_makes_what_is_missing(
    manager: VolumeManager, tmp_path: Path, kind: str, made: Callable[[Path], bool]
) -> None:
    wanted = tmp_path / "new"
    assert await path_of(manager, {"hostPath": {"path": str(wanted), "type": kind}}) == wanted
    assert made(wanted)
    await manager.unmount("u1")
    assert made(wanted)


@pytest.mark.parametrize(
    ("kind", "noun"),
    [
        ("Directory", "a directory"),
        ("File", "a file"),
        ("Socket", "a socket file"),
        ("CharDevice", "a character device"),
        ("BlockDevice", "a block device"),
        ("DirectoryOrCreate", "a directory"),
    ],
)
async def test_host_path_checks_its_type(manager: VolumeManager, tmp_path: Path, kind: str, noun: str) -> None:
    there = tmp_path / "it"
    if kind == "File":
        there.mkdir()
    else:
        there.touch()
    with pytest.raises(VolumeError, match=f"hostPath type check failed: {there} is not {noun}$"):
        await manager.mount(mounting({"hostPath": {"path": str(there), "type": kind}}))


async def test_host_path_accepts_its_type(manager: VolumeManager, tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.close()
    assert await path_of(manager, {"hostPath": {"path": str(tmp_path / "s"), "type": "Socket"}}) == tmp_path / "s"


async def test_host_path_accepts_a_device(manager: VolumeManager) -> None:
    assert await path_of(manager, {"hostPath": {"path": "/dev/null", "type": "CharDevice"}}) == Path("/dev/null")


@needs_root
async def test_sub_path_is_bound_and_made(manager: VolumeManager) -> None:
    made = mounting({"emptyDir": {}})
    volume = Path((await manager.mount(made))["v"].host_path)
    bound = Path(await manager.subpath(made, "app", 0, "v", "logs/today"))
    (bound / "file").write_text("x")
    assert (volume / "logs/today/file").read_text() == "x"
    again = await manager.subpath(made, "app", 0, "v", "logs/today")
    assert (Path(again), len(mounts_below(volume.parents[2]))) == (bound, 1)


@needs_root
async def test_sub_path_of_one_key_is_a_file(manager: VolumeManager, api: TokenAPI) -> None:
    api.put(CONFIG, {"data": {"a": "1"}})
    made = mounting({"configMap": {"name": "config"}})
    await manager.mount(made)
    assert Path(await manager.subpath(made, "app", 0, "v", "a")).read_text() == "1"


@needs_root
async def test_sub_path_is_bound_anew_when_the_file_is_another(manager: VolumeManager, api: TokenAPI) -> None:
    api.put(CONFIG, {"data": {"a": "1"}})
    made = mounting({"configMap": {"name": "config"}})
    volume = Path((await manager.mount(made))["v"].host_path)
    bound = Path(await manager.subpath(made, "app", 0, "v", "a"))
    await until(lambda: bool(api.streams))
    api.put(CONFIG, {"data": {"a": "2"}})
    await until(lambda: files(volume) == {"a": "2"})
    assert bound.read_text() == "1"
    assert Path(await manager.subpath(made, "app", 0, "v", "a")).read_text() == "2"


@pytest.mark.parametrize("target", ["/etc", "../../../../.."])
async def test_sub_path_does_not_follow_links_out_of_the_volume(manager: VolumeManager, target: str) -> None:
    made = mounting({"emptyDir": {}})
    volume = Path((await manager.mount(made))["v"].host_path)
    (volume / "link").symlink_to(target)
    with pytest.raises(ConfigError, match="failed to prepare subPath link/x: it is not within the volume"):
        await manager.subpath(made, "app", 0, "v", "link/x")
