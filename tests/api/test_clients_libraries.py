"""The client libraries that people write Python operators with, unchanged, doing what operators do."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kr8s
import kubernetes
import kubernetes_asyncio
import lightkube
import pykube
import pytest
from kr8s.objects import ConfigMap as Kr8sConfigMap
from kubernetes import client as official
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment as LightDeployment
from lightkube.resources.core_v1 import ConfigMap as LightConfigMap
from lightkube.types import PatchType
from prometheus_client.parser import text_string_to_metric_families

from tests.api.processes import ServerProcess

MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
- {apiVersion: v1, kind: Secret, metadata: {name: web}, stringData: {password: secret}}
"""

# Some leave their sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """What a library leaves behind is warned of here, and not in somebody else's test."""
    yield
    gc.collect()


@pytest.fixture
def api(process: ServerProcess) -> Any:
    with kubernetes.config.new_client_from_config(str(process.config.admin_kubeconfig)) as found:
        yield found


@pytest.fixture
def core(api: Any) -> Any:
    return official.CoreV1Api(api)


def config_map(name: str, **data: str) -> Any:
    metadata = official.V1ObjectMeta(name=name, labels={"first": name[-1:]})
    return official.V1ConfigMap(metadata=metadata, data=data)


class TestOfficial:
    def test_pages(self, core: Any, namespace: str) -> None:
        for number in range(10):
            core.create_namespaced_config_map(namespace, config_map(f"c{number}"))
        found, sizes, token = [], [], None
        while token != "":
            page = core.list_namespaced_config_map(namespace, limit=4, _continue=token, label_selector="first")
            found += [item.metadata.name for item in page.items]
            sizes.append(len(page.items))
            token = page.metadata._continue or ""
        assert (found, sizes) == ([f"c{number}" for number in range(10)], [4, 4, 2])

    @pytest.mark.parametrize(
        ("content_type", "patch", "expected"),
        [
            pytest.param(None, {"data": {"b": "2"}}, {"a": "1", "b": "2"}, id="the library's choice"),
            pytest.param(MERGE, {"data": {"a": None, "b": "2"}}, {"b": "2"}, id="merge"),
            pytest.param(STRATEGIC, {"data": {"$patch": "replace", "b": "2"}}, {"b": "2"}, id="strategic"),
            pytest.param(JSON_PATCH, [{"op": "move", "from": "/data/a", "path": "/data/b"}], {"b": "1"}, id="JSON"),
        ],
    )
    def test_patches(
        self, core: Any, namespace: str, content_type: str | None, patch: Any, expected: dict[str, str]
    ) -> None:
        core.create_namespaced_config_map(namespace, config_map("c", a="1"))
        chosen = {"_content_type": content_type} if content_type else {}
        assert core.patch_namespaced_config_map("c", namespace, patch, **chosen).data == expected

    def test_failures_are_told_by_status_and_reason(self, core: Any, namespace: str) -> None:
        made = core.create_namespaced_config_map(namespace, config_map("c"))
        made.metadata.resource_version = "1"
        other = official.V1DeleteOptions(preconditions=official.V1Preconditions(uid="other"))
        failing = [
            lambda: core.read_namespaced_config_map("none", namespace),
            lambda: core.create_namespaced_config_map(namespace, config_map("c")),
            lambda: core.create_namespaced_config_map(namespace, config_map("C!")),
            lambda: core.replace_namespaced_config_map("c", namespace, made),
            lambda: core.delete_namespaced_config_map("c", namespace, body=other),
        ]
        assert [self._failure(call) for call in failing] == [
            (404, "Not Found", "NotFound"),
            (409, "Conflict", "AlreadyExists"),
            (422, "Unprocessable Entity", "Invalid"),
            (409, "Conflict", "Conflict"),
            (409, "Conflict", "Conflict"),
        ]

    def _failure(self, call: Any) -> tuple[int, str, str]:
        with pytest.raises(official.ApiException) as raised:
            call()
        return raised.value.status, raised.value.reason, json.loads(raised.value.body)["reason"]

    def test_a_watch_ends_in_time_and_goes_on_from_there(self, core: Any, namespace: str) -> None:
        core.create_namespaced_config_map(namespace, config_map("a"))
        watch = kubernetes.watch.Watch()
        chosen = {"label_selector": "first", "timeout_seconds": 1}
        first = self._events(watch, core, namespace, chosen)
        core.create_namespaced_config_map(namespace, config_map("b"))
        core.delete_namespaced_config_map("a", namespace)
        second = self._events(watch, core, namespace, {**chosen, "resource_version": watch.resource_version})
        assert (first, second) == ([("ADDED", "a")], [("ADDED", "b"), ("DELETED", "a")])

    def _events(self, watch: Any, core: Any, namespace: str, chosen: dict[str, Any]) -> list[tuple[str, str]]:
        stream = watch.stream(core.list_namespaced_config_map, namespace, **chosen)
        return [(event["type"], event["object"].metadata.name) for event in stream]

    def test_manifests_and_what_becomes_of_them(self, api: Any, core: Any, namespace: str, tmp_path: Path) -> None:
        manifest = tmp_path / "web.yaml"
        manifest.write_text(MANIFEST)
        kubernetes.utils.create_from_yaml(api, str(manifest), namespace=namespace)
        with pytest.raises(kubernetes.utils.FailToCreateError) as raised:
            kubernetes.utils.create_from_yaml(api, str(manifest), namespace=namespace)
        assert {failure.status for failure in raised.value.api_exceptions} == {409}
        apps = official.AppsV1Api(api)
        scaled = apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 3}})
        assert (scaled.spec.replicas, scaled.status.selector) == (3, "app=web")
        assert core.read_namespaced_secret("web", namespace).data == {"password": "c2VjcmV0"}
        stream = kubernetes.watch.Watch().stream(
            apps.list_namespaced_deployment, namespace, field_selector="metadata.name=web", timeout_seconds=20
        )
        assert any(event["object"].status.replicas == 3 for event in stream)
        names = [pod.metadata.generate_name for pod in core.list_namespaced_pod(namespace).items]
        assert len(names) == 3
        assert all(name.startswith("web-") for name in names)

    def test_answers_have_all_that_their_types_demand(self, api: Any, namespace: str) -> None:
        template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        selector = {"matchLabels": {"a": "b"}}
        target = {"kind": "Deployment", "name": "x", "apiVersion": "apps/v1"}
        metadata = {"name": "x"}
        apps = official.AppsV1Api(api)
        spec = {"replicas": 0, "serviceName": "s", "selector": selector, "template": template}
        apps.create_namespaced_stateful_set(namespace, {"metadata": metadata, "spec": spec})
        apps.create_namespaced_daemon_set(
            namespace, {"metadata": metadata, "spec": {"selector": selector, "template": template}}
        )
        scaler = {"metadata": metadata, "spec": {"maxReplicas": 2, "scaleTargetRef": target}}
        official.AutoscalingV2Api(api).create_namespaced_horizontal_pod_autoscaler(namespace, scaler)
        listed = [
            apps.list_namespaced_stateful_set(namespace).items[0].status.replicas,
            apps.list_namespaced_daemon_set(namespace).items[0].status.number_ready,
            *(
                of(api).list_namespaced_horizontal_pod_autoscaler(namespace).items[0].status.desired_replicas
                for of in (official.AutoscalingV1Api, official.AutoscalingV2Api)
            ),
        ]
        assert listed == [0, 0, 0, 0]
        assert official.NetworkingV1Api(api).list_service_cidr().items

    def test_the_dynamic_client(self, api: Any, namespace: str) -> None:
        dynamic = kubernetes.dynamic.DynamicClient(api)
        found = dynamic.resources.get(api_version="apps/v1", kind="Deployment")
        assert (found.name, found.namespaced, set(found.subresources)) == ("deployments", True, {"scale", "status"})
        maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
        maps.create(body={"metadata": {"name": "c"}, "data": {"a": "1"}}, namespace=namespace)
        patched = maps.patch(name="c", body={"data": {"b": "2"}}, namespace=namespace, content_type=MERGE)
        assert patched.data.to_dict() == {"a": "1", "b": "2"}
        watched = maps.watch(namespace=namespace, field_selector="metadata.name=c", timeout=1)
        assert [(event["type"], event["object"].data.b) for event in watched] == [("ADDED", "2")]
        assert maps.delete(name="c", namespace=namespace).status == "Success"
        with pytest.raises(kubernetes.dynamic.exceptions.NotFoundError):
            maps.get(name="c", namespace=namespace)
        with pytest.raises(kubernetes.dynamic.exceptions.ResourceNotFoundError):
            dynamic.resources.get(api_version="example.com/v1", kind="Nothing")


async def test_kubernetes_asyncio(process: ServerProcess, namespace: str) -> None:
    configuration = kubernetes_asyncio.client.Configuration()
    await kubernetes_asyncio.config.load_kube_config(
        str(process.config.admin_kubeconfig), client_configuration=configuration
    )
    async with kubernetes_asyncio.client.ApiClient(configuration) as api:
        core = kubernetes_asyncio.client.CoreV1Api(api)
        begun = (await core.list_namespaced_config_map(namespace)).metadata.resource_version
        seen = asyncio.create_task(_seen(core, namespace, begun))
        body = {"metadata": {"name": "c"}, "data": {"a": "1"}}
        await core.create_namespaced_config_map(namespace, body)
        await core.patch_namespaced_config_map("c", namespace, {"data": {"a": "2"}})
        patched = await core.patch_namespaced_config_map("c", namespace, [{"op": "remove", "path": "/data/a"}])
        assert not patched.data
        await core.delete_namespaced_config_map("c", namespace)
        assert await seen == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
        with pytest.raises(kubernetes_asyncio.client.ApiException) as raised:
            await core.read_namespaced_config_map("c", namespace)
        assert (raised.value.status, raised.value.reason) == (404, "Not Found")


async def _seen(core: Any, namespace: str, begun: str) -> list[str]:
    """What happens to `c` after a revision, until it is deleted."""
    types: list[str] = []
    async with kubernetes_asyncio.watch.Watch() as watch:
        chosen = {"field_selector": "metadata.name=c", "timeout_seconds": 20, "resource_version": begun}
        async for event in watch.stream(core.list_namespaced_config_map, namespace, **chosen):
            types.append(event["type"])
            if event["type"] == "DELETED":
                break
    return types


def test_lightkube(process: ServerProcess, namespace: str) -> None:
    configuration = lightkube.KubeConfig.from_file(process.config.admin_kubeconfig)
    client = lightkube.Client(configuration, namespace=namespace)
    for name in ("a", "b", "c"):
        client.create(LightConfigMap(metadata=ObjectMeta(name=name, labels={"x": "y"}), data={"a": "1"}))
    listed = client.list(LightConfigMap, labels={"x": "y"}, chunk_size=1)
    assert [found.metadata.name for found in listed if found.metadata] == ["a", "b", "c"]
    patches: list[tuple[PatchType, Any]] = [
        (PatchType.JSON, [{"op": "add", "path": "/data/j", "value": "1"}]),
        (PatchType.MERGE, {"data": {"m": "1"}}),
        (PatchType.STRATEGIC, {"data": {"s": "1"}}),
    ]
    for kind, patch in patches:
        found = client.patch(LightConfigMap, "a", patch, patch_type=kind)
    assert found.data == {"a": "1", "j": "1", "m": "1", "s": "1"}
    watched = client.watch(LightConfigMap, fields={"metadata.name": "a"}, server_timeout=1)
    assert next((event, found.data) for event, found in watched) == ("ADDED", found.data)
    client.delete(LightConfigMap, "a")
    with pytest.raises(lightkube.ApiError) as raised:
        client.get(LightConfigMap, "a")
    assert (raised.value.status.code, raised.value.status.reason) == (404, "NotFound")
    assert list(client.list(LightDeployment)) == []


def test_lightkube_applies(process: ServerProcess, namespace: str) -> None:
    configuration = lightkube.KubeConfig.from_file(process.config.admin_kubeconfig)
    client = lightkube.Client(configuration, namespace=namespace, field_manager="mine")
    metadata = ObjectMeta(name="a", namespace=namespace)
    client.apply(LightConfigMap(metadata=metadata, data={"a": "1", "b": "1"}))
    found = client.apply(LightConfigMap(metadata=metadata, data={"a": "2"}))
    assert found.data == {"a": "2"}
    with pytest.raises(lightkube.ApiError) as raised:
        client.apply(LightConfigMap(metadata=metadata, data={"a": "3"}), field_manager="other")
    assert raised.value.status.message == 'Apply failed with 1 conflict: conflict with "mine": .data.a'
    forced = client.apply(LightConfigMap(metadata=metadata, data={"a": "3"}), field_manager="other", force=True)
    assert forced.metadata and forced.metadata.managedFields
    assert [entry.manager for entry in forced.metadata.managedFields] == ["other"]


def test_the_official_client_applies(api: Any, namespace: str) -> None:
    dynamic = kubernetes.dynamic.DynamicClient(api)
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1"}}

    def apply(value: str, **options: Any) -> Any:
        wanted = {**body, "data": {"a": value}}
        return dynamic.server_side_apply(maps, body=wanted, name="a", namespace=namespace, **options)

    assert apply("1", field_manager="mine").metadata.managedFields[0].manager == "mine"
    with pytest.raises(kubernetes.dynamic.exceptions.ConflictError):
        apply("2", field_manager="other")
    assert apply("2", field_manager="other", force_conflicts=True).data.a == "2"


def test_pykube(process: ServerProcess, namespace: str) -> None:
    api = pykube.HTTPClient(pykube.KubeConfig.from_file(str(process.config.admin_kubeconfig)))
    assert api.version == ("1", "36")
    metadata = {"name": "c", "namespace": namespace, "labels": {"x": "y"}}
    made = pykube.ConfigMap(api, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}})
    made.create()
    made.obj["data"]["b"] = "2"
    made.update()
    made.patch({"data": {"c": "3"}})
    made.reload()
    assert made.obj["data"] == {"a": "1", "b": "2", "c": "3"}
    maps = pykube.ConfigMap.objects(api, namespace=namespace)
    assert [found.name for found in maps.filter(selector={"x__in": ["y", "z"]})] == ["c"]
    events = maps.filter(field_selector={"metadata.name": "c"}).watch(params={"timeoutSeconds": "1"})
    assert [(event.type, event.object.name) for event in events] == [("ADDED", "c")]
    replica_sets = pykube.object_factory(api, "apps/v1", "ReplicaSet")
    assert list(replica_sets.objects(api, namespace=namespace)) == []
    made.delete()
    assert not made.exists()
    api.session.close()


@pytest.mark.filterwarnings("ignore:Kubernetes version:UserWarning")  # this version of kr8s knows 1.35 at most
def test_kr8s(process: ServerProcess, namespace: str) -> None:
    api = kr8s.api(kubeconfig=str(process.config.admin_kubeconfig))
    assert api.whoami() == "kubernetes-admin"
    made = Kr8sConfigMap({"metadata": {"name": "c", "namespace": namespace}, "data": {"a": "1"}}, api=api)
    made.create()
    made.patch({"data": {"b": "2"}})
    made.patch([{"op": "remove", "path": "/data/a"}], type="json")
    made.label(x="y")
    assert dict(made.data) == {"b": "2"}
    found = [found.name for found in kr8s.get("cm", namespace=namespace, label_selector={"x": "y"}, api=api)]
    assert found == ["c"]
    made.delete()
    made.wait("delete", timeout=10)
    assert not made.exists()
    with pytest.raises(kr8s.NotFoundError):
        Kr8sConfigMap.get("c", namespace=namespace, api=api)


def test_prometheus(process: ServerProcess, namespace: str) -> None:
    """What a scraper of the whole server reads: the API's figures, and those of the parts that run beside it."""
    families = {family.name: family for family in text_string_to_metric_families(process.send("GET", "/metrics").body)}
    assert [name for name, family in families.items() if family.type == "unknown" or not family.documentation] == []

    def labelled(name: str, label: str) -> set[str]:
        return {sample.labels[label] for sample in families[name].samples}

    assert {"deployment", "garbage_collector_attempt_to_delete", "namespace"} <= labelled("workqueue_adds", "name")
    assert f"127.0.0.1:{process.config.api_port}" in labelled("rest_client_requests", "host")
    assert {"GET", "POST"} <= labelled("rest_client_request_duration_seconds", "verb")
    added = {s.labels["name"]: s.value for s in families["workqueue_adds"].samples if s.name.endswith("_total")}
    assert added["namespace"] > 0
    if not process.config.datastore:
        (size,) = families["apiserver_storage_size_bytes"].samples
        assert size.value > 1000
