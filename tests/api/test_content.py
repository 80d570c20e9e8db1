"""What clients are answered in: protobuf as JSON, views in both, and what no negotiation yields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from knarr.api import protobuf
from knarr.machinery.errors import APIError
from tests.api.harness import Server, Stream
from tests.api.objects import CONFIG_MAPS, PODS, config_map, pod
from tests.api.typed import event_of

PROTOBUF = "application/vnd.kubernetes.protobuf"
PARTIAL = f"{PROTOBUF};as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST = f"{PROTOBUF};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
TABLE = f"{PROTOBUF};as=Table;v=v1;g=meta.k8s.io"


def frames(stream: Stream) -> Iterator[tuple[str, Any]]:
    """A protobuf watch's events: each a WatchEvent behind four bytes of length."""
    data, stream.data = bytes(stream.data), bytearray()
    while data:
        size = int.from_bytes(data[:4], "big")
        yield event_of(data[4 : 4 + size])
        data = data[4 + size :]


def sparse(tree: Any) -> Any:
    """A tree without what is empty, which protobuf does not tell from what is absent."""
    if isinstance(tree, list):
        return [sparse(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    kept = {name: value if name == "fieldsV1" else sparse(value) for name, value in tree.items()}
    return {name: value for name, value in kept.items() if value not in ({}, [])}


async def test_objects_and_lists_are_the_same_in_protobuf(server: Server) -> None:
    for name in "ab":
        await server.post(PODS, pod(name))
        await server.post(CONFIG_MAPS, config_map(name, x="y"))
    for path in (f"{PODS}/a", PODS, CONFIG_MAPS, f"{CONFIG_MAPS}?limit=1", "/api/v1/namespaces/default"):
        target, _, query = path.partition("?")
        options = dict([query.split("=")]) if query else {}
        written, told = await server.get(target, accept=PROTOBUF, **options), await server.get(target, **options)
        assert written.headers["content-type"] == PROTOBUF
        assert sparse(_with_kinds(protobuf.decode(written.raw), told.body)) == sparse(told.body)


def _with_kinds(tree: Any, like: Any) -> Any:
    """The messages of a list's items do not name their types."""
    if "items" in tree:
        tree["items"] = [
            {"kind": other["kind"], "apiVersion": other["apiVersion"], **item}
            for item, other in zip(tree["items"], like["items"], strict=True)
        ]
    return tree


async def test_a_message_is_made_once(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map("a"))
    await server.get(CONFIG_MAPS, accept=PROTOBUF)
    (entry,) = server.cache.range("/registry/configmaps/default/")
    before = dict(entry.encodings)
    assert protobuf.decode((await server.get(f"{CONFIG_MAPS}/a", accept=PROTOBUF)).raw)["metadata"]["name"] == "a"
    assert list(map(id, entry.encodings.values())) == list(map(id, before.values()))
    assert len(before) == 1


async def test_a_watch_in_protobuf(server: Server) -> None:
    first = (await server.post(CONFIG_MAPS, config_map("a"))).body
    stream = await server.watch(CONFIG_MAPS, accept=PROTOBUF, allowWatchBookmarks="true", timeoutSeconds="10")
    changed = (await server.patch(f"{CONFIG_MAPS}/a", {"data": {"x": "y"}})).body
    await server.delete(f"{CONFIG_MAPS}/a")
    revision = str(server.cache.revision)
    gone = {**changed, "metadata": {**changed["metadata"], "resourceVersion": revision}}
    assert list(frames(stream)) == [("ADDED", sparse(first)), ("MODIFIED", changed), ("DELETED", gone)]
    await server.clock.advance(10)
    bookmark = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"resourceVersion": revision}}
    assert list(frames(stream)) == [("BOOKMARK", bookmark)]


async def test_a_watch_in_protobuf_that_has_expired(server: Server) -> None:
    server.cache._keep = 3
    for n in range(10):
        await server.post(CONFIG_MAPS, config_map(f"x{n}"))
    stream = await server.watch(CONFIG_MAPS, accept=PROTOBUF, resourceVersion="2")
    ((what, status),) = frames(stream)
    assert (what, status["kind"], status["code"], status["reason"]) == ("ERROR", "Status", 410, "Expired")


async def test_metadata_alone_in_protobuf(server: Server) -> None:
    metadata = (await server.post(CONFIG_MAPS, config_map("a", x="y"))).body["metadata"]
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    assert protobuf.decode((await server.get(f"{CONFIG_MAPS}/a", accept=PARTIAL)).raw) == partial
    listed = protobuf.decode((await server.get(CONFIG_MAPS, accept=PARTIAL_LIST)).raw)
    assert (listed["kind"], listed["items"]) == ("PartialObjectMetadataList", [{"metadata": metadata}])
    stream = await server.watch(CONFIG_MAPS, accept=PARTIAL)
    assert list(frames(stream)) == [("ADDED", partial)]


async def test_tables_in_yaml_and_not_in_protobuf(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map("a"))
    table = await server.get(CONFIG_MAPS, accept="application/yaml;as=Table;v=v1;g=meta.k8s.io")
    assert yaml.safe_load(table.raw)["kind"] == "Table"
    assert (await server.get(CONFIG_MAPS, accept=TABLE)).status == 406
    both = await server.get(CONFIG_MAPS, accept=f"{TABLE},application/json;as=Table;v=v1;g=meta.k8s.io")
    assert both.body["kind"] == "Table"


@pytest.mark.parametrize(
    ("accept", "message"),
    [
        pytest.param("application/yaml", "application/json;stream=watch", id="yaml"),
        pytest.param("application/cbor-seq", "application/vnd.kubernetes.protobuf;stream=watch", id="cbor"),
    ],
)
async def test_watches_in_nothing_else(server: Server, accept: str, message: str) -> None:
    with pytest.raises(APIError) as refusal:
        await server.watch(CONFIG_MAPS, accept=accept)
    assert refusal.value.code == 406
    assert message in refusal.value.message


async def test_nothing_is_written_for_who_cannot_read_the_outcome(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map("a"))
    revision = server.cache.revision
    refused = [
        await server.post(CONFIG_MAPS, config_map("b"), accept="text/html"),
        await server.put(f"{CONFIG_MAPS}/a", config_map("a", x="y"), accept="application/cbor"),
        await server.patch(f"{CONFIG_MAPS}/a", {"data": {"x": "y"}}, accept=TABLE),
        await server.delete(f"{CONFIG_MAPS}/a", accept="text/html"),
        await server.delete(CONFIG_MAPS, accept="text/html"),
        await server.get(f"{CONFIG_MAPS}/none", accept="text/html"),
    ]
    assert {(answer.status, answer.body["reason"]) for answer in refused} == {(406, "NotAcceptable")}
    assert server.cache.revision == revision


async def test_cbor_is_not_read(server: Server) -> None:
    refused = await server.post(CONFIG_MAPS, b"\xd9\xd9\xf7\xa0", content_type="application/cbor")
    assert (refused.status, refused.body["reason"]) == (415, "UnsupportedMediaType")
    listed = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    text = "the body of the request was in an unknown format - accepted media types include: "
    assert refused.body["message"] == text + listed
    assert (await server.get(CONFIG_MAPS, accept="application/cbor")).status == 406
