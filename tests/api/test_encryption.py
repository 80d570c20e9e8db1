"""Secrets encrypted at rest, over every store: what lies there, who reads it, how keys are changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from knarr.apiserver.authn.users import User
from knarr.apiserver.authz.authorizer import ALLOWED, Decision, Local, Verdict
from knarr.apiserver.info import RequestInfo
from knarr.storage.store import Store, Write
from tests.api.definitions import WIDGETS, definition, established, eventually_established, widget
from tests.api.encryption import IDENTITY, SECRETS, encrypted, keys, lying, write
from tests.api.harness import Server, settle
from tests.stores import ENGINES, open_store

PATCH = "application/merge-patch+json"
FAILED = 'Internal error occurred: unable to transform key "/registry/secrets/default/'


class OnlyOrdinary(Local):
    """Anybody may do anything ordinary."""

    def at_once(self, user: User, info: RequestInfo) -> Decision:
        return Decision(Verdict.NO_OPINION, "not that") if info.verb.startswith("unsafe") else ALLOWED


@pytest.fixture(params=ENGINES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    engine = await open_store(tmp_path, engine=request.param)
    yield engine
    await engine.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "encryption.yaml"


@pytest.mark.parametrize("provider", ["aescbc", "aesgcm", "secretbox"])
async def test_a_secret_s_life(store: Store, file: Path, provider: str) -> None:
    async with encrypted(store, write(file, keys(provider, "one"))) as server:
        stream = await server.watch(SECRETS)
        await server.secret("s")
        assert (await server.patch(f"{SECRETS}/s", {"stringData": {"password": "better"}})).status == 200
        stored = await lying(store, "s")
        assert stored.startswith(f"k8s:enc:{provider}:v1:one:".encode()) and b"password" not in stored
        assert await server.password("s") == "better"
        assert [item["metadata"]["name"] for item in (await server.get(SECRETS)).body["items"]] == ["s"]
        assert (await server.delete(f"{SECRETS}/s")).status == 200
        await settle()
        assert stream.brief() == [("ADDED", "s"), ("MODIFIED", "s"), ("DELETED", "s")]


async def test_a_server_after_another_reads_it(store: Store, file: Path) -> None:
    write(file, keys("aesgcm", "one"))
    async with encrypted(store, file) as server:
        await server.secret("s")
    async with encrypted(store, file) as server:
        assert await server.password("s") == "hunter2"
        page = (await server.get(SECRETS, limit="1")).body
        assert page["items"][0]["metadata"]["name"] == "s"


async def test_other_resources_are_left_alone(store: Store, file: Path) -> None:
    async with encrypted(store, write(file, keys("aesgcm", "one"))) as server:
        await server.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "c"}})
        record = await store.get("/registry/configmaps/default/c")
        assert record and record.value.startswith(b'{"kind":"ConfigMap"')


async def test_a_key_is_changed_by_writing_everything_again(store: Store, file: Path) -> None:
    """Nothing of the object changes, but where it was sealed otherwise it is written; where not, it is not."""
    async with encrypted(store, write(file, IDENTITY)) as server:
        await server.secret("plain")
    async with encrypted(store, write(file, keys("aescbc", "old"), IDENTITY)) as server:
        await server.secret("old")
        assert (await lying(store, "plain")).startswith(b'{"kind":"Secret"')
    async with encrypted(store, write(file, keys("aesgcm", "new"), keys("aescbc", "old"), IDENTITY)) as server:
        before = {name: (await server.get(f"{SECRETS}/{name}")).body for name in ("plain", "old")}
        for name, tree in before.items():
            again = (await server.put(f"{SECRETS}/{name}", tree)).body
            assert (await lying(store, name)).startswith(b"k8s:enc:aesgcm:v1:new:")
            assert int(again["metadata"]["resourceVersion"]) > int(tree["metadata"]["resourceVersion"])
            assert again["metadata"] | {"resourceVersion": ""} == tree["metadata"] | {"resourceVersion": ""}
            assert (await server.put(f"{SECRETS}/{name}", again)).body == again, "it is as it should be"
    async with encrypted(store, write(file, keys("aesgcm", "new"))) as server:
        assert [await server.password(name) for name in before] == ["hunter2", "hunter2"]


async def test_back_to_plain(store: Store, file: Path) -> None:
    async with encrypted(store, write(file, keys("secretbox", "old"))) as server:
        await server.secret("s")
    async with encrypted(store, write(file, IDENTITY, keys("secretbox", "old"))) as server:
        await server.put(f"{SECRETS}/s", (await server.get(f"{SECRETS}/s")).body)
        assert (await lying(store, "s")).startswith(b'{"kind":"Secret"')


class TestTheFileIsFollowed:
    async def test_new_keys_are_in_force_and_the_old_ones_read(self, store: Store, file: Path) -> None:
        async with encrypted(store, write(file, keys("aesgcm", "old"))) as server:
            await server.secret("a")
            write(file, keys("aesgcm", "new", "old"))
            await server.encryption.follow()
            await server.secret("b")
            assert (await lying(store, "b")).startswith(b"k8s:enc:aesgcm:v1:new:")
            assert [await server.password(name) for name in "ab"] == ["hunter2", "hunter2"]
            told = server.encryption.figures.render().decode()
            assert 'automatic_reloads_total{apiserver_id_hash="sha256:' in told

    @pytest.mark.parametrize("content", [b"", b"kind: EncryptionConfiguration", b"{"], ids=["empty", "bad", "no YAML"])
    async def test_what_is_wrong_changes_nothing(self, store: Store, file: Path, content: bytes) -> None:
        async with encrypted(store, write(file, keys("aesgcm", "old"))) as server:
            file.write_bytes(content)
            await server.encryption.follow()
            await server.secret("s")
            assert (await lying(store, "s")).startswith(b"k8s:enc:aesgcm:v1:old:")
            told = server.encryption.figures.render().decode()
            assert 'status="failure"} 1' in told

    async def test_a_key_that_is_taken_away_and_given_back(self, store: Store, file: Path) -> None:
        async with encrypted(store, write(file, keys("aesgcm", "old"))) as server:
            tree = await server.secret("s")
            write(file, keys("aesgcm", "new"))
            await server.encryption.follow()
            assert (await server.get(f"{SECRETS}/s")).status == 500
            stream = await server.watch(SECRETS, resourceVersion=tree["metadata"]["resourceVersion"])
            write(file, keys("aesgcm", "new", "old"))
            await server.encryption.follow()
            assert await server.password("s") == "hunter2"
            assert stream.closed and [event["object"]["reason"] for event in stream.take()] == ["Expired"]


async def test_of_two_servers_the_second_reads_when_it_has_the_key(store: Store, file: Path, tmp_path: Path) -> None:
    """Who gives a key to one server for writing before the others have it for reading: these lose nothing, nor do they
    tell anybody that something is gone.
    """
    theirs = write(tmp_path / "two.yaml", keys("aesgcm", "old"))
    async with encrypted(store, write(file, keys("aesgcm", "old"))) as one, encrypted(store, theirs) as two:
        tree = await one.secret("s")
        assert await two.password("s") == "hunter2"
        write(file, keys("aesgcm", "new", "old"))
        await one.encryption.follow()
        assert (await one.put(f"{SECRETS}/s", tree)).status == 200
        stream = await two.watch(SECRETS, resourceVersion=tree["metadata"]["resourceVersion"])
        assert (await two.get(f"{SECRETS}/s")).status == 500
        assert stream.brief() == []
        write(theirs, keys("aesgcm", "old", "new"))
        await two.encryption.follow()
        assert [await server.password("s") for server in (one, two)] == ["hunter2", "hunter2"]
        assert stream.closed, "it has missed a change"


async def test_custom_resources(store: Store, file: Path) -> None:
    """They are known by their keys, before their definitions are."""
    write(file, keys("aesgcm", "one"), resources=("widgets.example.com",))
    async with encrypted(store, file) as server:
        server.api.start()
        await established(server, definition())
        assert (await server.post(WIDGETS, widget(size=3))).status == 201
        record = await store.get("/registry/example.com/widgets/default/w")
        assert record and record.value.startswith(b"k8s:enc:aesgcm:v1:one:")
    async with encrypted(store, file) as server:
        server.api.start()
        await eventually_established(server, "widgets.example.com")
        assert (await server.get(f"{WIDGETS}/w")).body["spec"]["size"] == 3


class TestWhatCannotBeRead:
    @pytest.fixture
    async def server(self, store: Store, file: Path) -> AsyncIterator[Server]:
        """One Secret is of a key that is lost, another is not."""
        async with encrypted(store, write(file, keys("aesgcm", "lost"))) as server:
            await server.secret("lost")
        async with encrypted(store, write(file, keys("aesgcm", "one"))) as server:
            await server.secret("found")
            yield server

    async def test_it_is_an_error_and_the_rest_is_served(self, server: Server) -> None:
        why = "no matching key was found for the provided AES transformer"
        for method, path, said in (
            ("GET", f"{SECRETS}/lost", f"Internal error occurred: {why}"),
            ("PATCH", f"{SECRETS}/lost", f"Internal error occurred: {why}"),
            ("DELETE", f"{SECRETS}/lost", f"Internal error occurred: {why}"),
            ("GET", SECRETS, f'{FAILED}lost": {why}'),
            ("GET", "/api/v1/secrets", f'{FAILED}lost": {why}'),
            ("DELETE", SECRETS, f'{FAILED}lost": {why}'),
        ):
            reply = await server.request(method, path, {} if method == "PATCH" else None, content_type=PATCH)
            assert (reply.status, reply.body["reason"], reply.body["message"]) == (500, "InternalError", said), method
        assert (await server.post(SECRETS, {"metadata": {"name": "lost"}})).status == 409
        assert (await server.get(f"{SECRETS}/found")).status == 200
        assert (await server.get("/api/v1/namespaces/default/configmaps")).status == 200
        assert (await server.get("/api/v1/namespaces/kube-system/secrets")).status == 200

    async def test_a_page_of_the_past_is_an_error_too(self, server: Server) -> None:
        reply = await server.get(SECRETS, resourceVersion="2", resourceVersionMatch="Exact")
        assert (reply.status, reply.body["message"].startswith(FAILED)) == (500, True)

    async def test_it_is_there_again_when_somebody_writes_it(self, server: Server, store: Store) -> None:
        stream = await server.watch(SECRETS, resourceVersion=str(await store.revision()))
        value = b'{"kind":"Secret","apiVersion":"v1","metadata":{"name":"lost","namespace":"default","uid":"u"}}'
        await server.store.commit([Write("/registry/secrets/default/lost", value)])
        await server.api.registry.synced()
        assert (await server.get(f"{SECRETS}/lost")).status == 200
        assert (await server.get(SECRETS)).status == 200
        assert stream.brief() == [("ADDED", "lost")]

    async def test_a_server_without_keys_says_what_it_is(self, server: Server, store: Store) -> None:
        plain = Server(store=store)
        await plain.cache.start()
        reply = await plain.get(f"{SECRETS}/found")
        await plain.cache.stop()
        plain.api.close()
        why = "Internal error occurred: identity transformer tried to read encrypted data"
        assert (reply.status, reply.body["message"]) == (500, why)

    async def test_it_is_removed_by_who_insists(self, server: Server, store: Store) -> None:
        option = {"ignoreStoreReadErrorWithClusterBreakingPotential": True}
        reply = await server.delete(f"{SECRETS}/lost", option)
        assert (reply.status, reply.body["status"]) == (200, "Success")
        assert await store.get("/registry/secrets/default/lost") is None
        assert (await server.get(f"{SECRETS}/lost")).status == 404
        assert [item["metadata"]["name"] for item in (await server.get(SECRETS)).body["items"]] == ["found"]

    async def test_the_option_in_the_address(self, server: Server, store: Store) -> None:
        query = {"ignoreStoreReadErrorWithClusterBreakingPotential": "true"}
        assert (await server.request("DELETE", f"{SECRETS}/lost", **query)).status == 200
        assert await store.get("/registry/secrets/default/lost") is None

    @pytest.mark.parametrize(
        ("path", "also", "why"),
        [
            (
                f"{SECRETS}/found",
                {},
                "is exclusively used to delete corrupt object(s), try again by removing this option",
            ),
            (SECRETS, {}, "is not allowed with DELETECOLLECTION, try again after removing the option"),
            (f"{SECRETS}/lost", {"gracePeriodSeconds": 0}, "cannot be set together with .gracePeriodSeconds"),
            (f"{SECRETS}/lost", {"preconditions": {"uid": "u"}}, "cannot be set together with .preconditions"),
        ],
        ids=["what can be read", "of many", "with a grace", "with preconditions"],
    )
    async def test_nothing_else_is(self, server: Server, path: str, also: dict[str, object], why: str) -> None:
        reply = await server.delete(path, {"ignoreStoreReadErrorWithClusterBreakingPotential": True, **also})
        field = "ignoreStoreReadErrorWithClusterBreakingPotential"
        assert (reply.status, reply.body["message"].endswith(f"{field}: Invalid value: true: {why}")) == (422, True)
        assert (await server.get(f"{SECRETS}/found")).status == 200

    async def test_it_takes_a_right_of_its_own(self, server: Server, store: Store) -> None:
        server.api.registry.authorizer = OnlyOrdinary()
        reply = await server.delete(f"{SECRETS}/lost", {"ignoreStoreReadErrorWithClusterBreakingPotential": True})
        why = 'not permitted to do "unsafe-delete-ignore-read-errors", reason: not that'
        assert (reply.status, reply.body["message"]) == (403, f'secrets "lost" is forbidden: {why}')
        assert await store.get("/registry/secrets/default/lost")
