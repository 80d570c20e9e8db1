from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from knarr.apiserver.registry import Options
from tests.api.harness import STRATEGIC, Server
from tests.api.objects import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    SERVICES,
    config_map,
    deployment,
    event,
    pod,
    service,
)
from tests.api.specimens import SPECIMENS


async def test_a_new_object_gets_what_the_server_alone_gives(server: Server) -> None:
    answer = await server.post(CONFIG_MAPS, config_map(a="b"))
    uid = answer.body["metadata"]["uid"]
    assert answer.status == 201
    assert len(uid) == 36
    assert answer.body == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {
            "name": "cm",
            "namespace": "default",
            "uid": uid,
            "resourceVersion": str(server.cache.revision),
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [
                {
                    "manager": "unknown",
                    "operation": "Update",
                    "apiVersion": "v1",
                    "time": "2026-01-01T00:00:00Z",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:data": {".": {}, "f:a": {}}},
                }
            ],
        },
        "data": {"a": "b"},
    }
    assert (await server.get(f"{CONFIG_MAPS}/cm")).body == answer.body


async def test_what_a_client_may_not_set_is_dropped(server: Server) -> None:
    body = deployment() | {"status": {"replicas": 7}}
    body["metadata"] |= {"uid": "mine", "generation": 9, "deletionTimestamp": "2020-01-01T00:00:00Z", "selfLink": "/x"}
    made = (await server.post(DEPLOYMENTS, body)).body
    assert made["metadata"]["uid"] != "mine"
    assert made["metadata"]["generation"] == 1
    assert made["status"] == {}
    assert made["metadata"].keys() & {"deletionTimestamp", "selfLink"} == set()


async def test_generated_names_are_tried_again_when_taken(server: Server) -> None:
    body = {"metadata": {"generateName": "cm-"}}
    names = {(await server.post(CONFIG_MAPS, body)).body["metadata"]["name"] for _ in range(5)}
    assert len(names) == 5
    assert all(name.startswith("cm-") and len(name) == 8 for name in names)


class Stuck(random.Random):
    """Always the same, as often as it is asked."""

    asked = 0

    def choices(self, population: Any, *_: Any, k: int = 1, **__: Any) -> list[Any]:
        self.asked += 1
        return [population[0]] * k


async def test_after_eight_generated_names_that_are_taken_the_client_is_asked_to_try_again() -> None:
    stuck = Stuck()
    server = Server(Options(random=stuck))
    await server.cache.start()
    body = {"metadata": {"generateName": "n-"}}
    made = (await server.post(NAMESPACES, body)).body["metadata"]["name"]
    stuck.asked = 0
    refused = await server.post(NAMESPACES, body)
    assert (refused.status, refused.body["reason"], stuck.asked) == (409, "AlreadyExists", 8)
    assert refused.body["message"] == (
        f'namespaces "{made}" already exists, the server was not able to generate a unique name for the object'
    )
    assert refused.body["details"] == {"name": made, "kind": "namespaces", "retryAfterSeconds": 1}
    await server.cache.stop()


async def test_a_second_object_of_a_name_is_refused(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map())
    answer = await server.post(CONFIG_MAPS, config_map())
    assert answer.status == 409
    assert answer.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "cm" already exists',
        "reason": "AlreadyExists",
        "details": {"name": "cm", "kind": "configmaps"},
        "code": 409,
    }


async def test_a_dry_run_stores_nothing_but_finds_conflicts(server: Server) -> None:
    before = server.cache.revision
    assert (await server.post(CONFIG_MAPS, config_map(), dryRun="All")).status == 201
    assert server.cache.revision == before
    await server.post(CONFIG_MAPS, config_map())
    assert (await server.post(CONFIG_MAPS, config_map(), dryRun="All")).status == 409


@pytest.mark.parametrize(
    ("path", "body", "code", "reason", "message"),
    [
        pytest.param(
            "/api/v1/namespaces/nowhere/configmaps",
            config_map(),
            404,
            "NotFound",
            'namespaces "nowhere" not found',
            id="no namespace",
        ),
        pytest.param(
            CONFIG_MAPS,
            {"metadata": {"name": "cm", "namespace": "other"}},
            400,
            "BadRequest",
            "the namespace of the provided object does not match the namespace sent on the request",
            id="other namespace",
        ),
        pytest.param(
            CONFIG_MAPS,
            {"metadata": {"name": "cm", "resourceVersion": "5"}},
            400,
            "BadRequest",
            "resourceVersion should not be set on objects to be created",
            id="resourceVersion",
        ),
        pytest.param(
            CONFIG_MAPS,
            {},
            422,
            "Invalid",
            'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
            id="no name",
        ),
        pytest.param(
            CONFIG_MAPS,
            {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"}},
            400,
            "BadRequest",
            'Pod in version "v1" cannot be handled as a ConfigMap: converting (Pod) to (ConfigMap): unknown conversion',
            id="other kind",
        ),
        pytest.param(
            CONFIG_MAPS,
            {"kind": "ConfigMap", "apiVersion": "v2", "metadata": {"name": "x"}},
            400,
            "BadRequest",
            "the API version in the data (v2) does not match the expected API version (v1)",
            id="other version",
        ),
        pytest.param(
            "/api/v1/configmaps",
            config_map(),
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
            id="no namespace in the URL",
        ),
        pytest.param(
            "/apis/apps/v1/namespaces/default/nothings",
            {},
            404,
            "NotFound",
            "the server could not find the requested resource",
            id="unknown resource",
        ),
        pytest.param(
            "/api/v2/namespaces/default/configmaps",
            {},
            404,
            "NotFound",
            "the server could not find the requested resource",
            id="unknown version",
        ),
    ],
)
async def test_refused(server: Server, path: str, body: Any, code: int, reason: str, message: str) -> None:
    before = server.cache.revision
    answer = await server.post(path, body)
    assert (answer.status, answer.body["reason"], answer.body["message"]) == (code, reason, message)
    assert server.cache.revision == before


async def test_a_bad_name_is_explained(server: Server) -> None:
    answer = await server.post(CONFIG_MAPS, config_map("Bad_Name"))
    assert answer.status == 422
    assert answer.body["message"].startswith(
        'ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": '
        "a lowercase RFC 1123 subdomain must consist of"
    )
    assert [(c["reason"], c["field"]) for c in answer.body["details"]["causes"]] == [
        ("FieldValueInvalid", "metadata.name")
    ]


async def test_nothing_is_created_in_a_namespace_that_goes_away(server: Server) -> None:
    await server.post(NAMESPACES, {"metadata": {"name": "going"}})
    await server.delete(f"{NAMESPACES}/going")
    answer = await server.post(f"{NAMESPACES}/going/configmaps", config_map())
    assert answer.status == 403
    assert answer.body["message"] == (
        'configmaps "cm" is forbidden: unable to create new content in namespace going because it is being terminated'
    )
    assert answer.body["details"]["causes"] == [
        {
            "reason": "NamespaceTerminating",
            "message": "namespace going is being terminated",
            "field": "metadata.namespace",
        }
    ]


async def test_one_kind_is_written_and_read_in_two_versions(server: Server) -> None:
    job = {"spec": {"template": {"spec": {**pod()["spec"], "restartPolicy": "Never"}}}}
    body = {"metadata": {"name": "tick"}, "spec": {"schedule": "* * * * *", "jobTemplate": job}}
    made = await server.post("/apis/batch/v1beta1/namespaces/default/cronjobs", body)
    assert made.status == 201
    assert made.body["apiVersion"] == "batch/v1beta1"
    assert made.headers["warning"].startswith('299 - "batch/v1beta1 CronJob is deprecated in v1.21+')
    read = await server.get("/apis/batch/v1/namespaces/default/cronjobs/tick")
    assert read.body["apiVersion"] == "batch/v1"
    assert read.body["spec"] == made.body["spec"]
    listed = await server.get("/apis/batch/v1beta1/namespaces/default/cronjobs")
    assert listed.body["items"] == [made.body]


async def test_a_pod_starts_pending(server: Server) -> None:
    made = (await server.post(PODS, pod() | {"status": {"phase": "Running"}})).body
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


async def test_what_clients_count_on_is_there_from_the_start(server: Server) -> None:
    namespace = (await server.post(NAMESPACES, {"metadata": {"name": "n"}})).body
    assert namespace["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}
    await server.patch(f"{NAMESPACES}/n", {"metadata": {"labels": None}})
    assert (await server.get(f"{NAMESPACES}/n")).body["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}
    assert (await server.post(SERVICES, service())).body["status"] == {"loadBalancer": {}}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("api/v1 replicationcontrollers", {"replicas": 0}, id="ReplicationController"),
        pytest.param("apis/apps/v1 replicasets", {"replicas": 0}, id="ReplicaSet"),
        pytest.param("apis/apps/v1 statefulsets", {"replicas": 0, "availableReplicas": 0}, id="StatefulSet"),
        pytest.param(
            "apis/apps/v1 daemonsets",
            dict.fromkeys(("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"), 0),
            id="DaemonSet",
        ),
        pytest.param("apis/autoscaling/v2 horizontalpodautoscalers", {"desiredReplicas": 0}, id="autoscaler"),
        pytest.param(
            "apis/policy/v1 poddisruptionbudgets",
            dict.fromkeys(("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"), 0),
            id="PodDisruptionBudget",
        ),
        pytest.param("apis/apps/v1 deployments", {}, id="Deployment"),
    ],
)
async def test_a_status_says_zero_where_clients_demand_a_number(
    server: Server, path: str, status: dict[str, int]
) -> None:
    group_version, plural = path.split()
    collection = f"/{group_version}/namespaces/default/{plural}"
    made = await server.post(collection, {**SPECIMENS[path], "metadata": {"name": "x"}})
    assert made.body["status"] == status
    emptied = await server.put(f"{collection}/x/status", {**made.body, "status": {}})
    assert emptied.body["status"] == status


async def test_an_autoscaler_says_it_in_its_older_version_too(server: Server) -> None:
    path = "/apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers"
    body = {**SPECIMENS["apis/autoscaling/v2 horizontalpodautoscalers"], "metadata": {"name": "x"}}
    assert (await server.post(path.format("v2"), body)).status == 201
    older = (await server.get(f"{path.format('v1')}/x")).body
    assert older["status"] == {"currentReplicas": 0, "desiredReplicas": 0}


async def test_events_are_one_storage_in_two_groups(server: Server) -> None:
    made = await server.post("/apis/events.k8s.io/v1/namespaces/default/events", event())
    assert made.status == 201, made.body
    assert (made.body["apiVersion"], made.body["note"]) == ("events.k8s.io/v1", "it did")
    core = (await server.get("/api/v1/namespaces/default/events/e")).body
    about = {"kind": "Pod", "namespace": "default", "name": "p"}
    assert (core["apiVersion"], core["message"], core["involvedObject"]) == ("v1", "it did", about)
    again = (await server.get("/apis/events.k8s.io/v1/namespaces/default/events")).body
    assert again["items"] == [made.body]


async def test_a_node_registers_with_its_status(server: Server) -> None:
    status = {"capacity": {"cpu": "2"}, "conditions": [{"type": "Ready", "status": "True"}]}
    made = (await server.post("/api/v1/nodes", {"metadata": {"name": "n"}, "status": status})).body
    assert made["status"]["capacity"] == {"cpu": "2"}
    patch = {"metadata": {"uid": made["metadata"]["uid"]}, "status": {"phase": "Running"}}
    assert (await server.patch("/api/v1/nodes/n/status", patch, STRATEGIC)).body["status"]["phase"] == "Running"
    other = await server.patch("/api/v1/nodes/n/status", {"metadata": {"uid": "other"}}, STRATEGIC)
    assert other.status == 409


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        pytest.param({"generateName": "X_"}, 'metadata.generateName: Invalid value: "X_": ', id="generateName"),
        pytest.param(
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "e", "uid": "1"}]},
            "/v1, Kind=Event is disallowed from being an owner",
            id="owned by an Event",
        ),
        pytest.param(
            {"finalizers": ["held"]},
            'metadata.finalizers[0]: Invalid value: "held": name is neither a standard finalizer name nor is it fully',
            id="finalizer",
        ),
    ],
)
async def test_metadata_is_judged(server: Server, metadata: dict[str, object], message: str) -> None:
    refused = await server.post(CONFIG_MAPS, {"metadata": {"name": "cm", **metadata}})
    assert (refused.status, refused.body["reason"]) == (422, "Invalid")
    assert message in refused.body["message"]


async def test_pods_of_one_template_differ_in_their_metadata_alone(server: Server) -> None:
    container = {"name": "c", "image": "i", "args": ["x" * 600], "ports": [{"containerPort": 80}]}
    made = [
        (await server.post(PODS, {"metadata": {"name": name}, "spec": {"containers": [container]}})).body
        for name in ("first", "second")
    ]
    specs = [{k: v for k, v in pod["spec"].items() if k not in ("volumes", "containers")} for pod in made]
    assert specs[0] == specs[1]
    assert [pod["spec"]["containers"][0]["ports"][0]["protocol"] for pod in made] == ["TCP", "TCP"]
    strange = {"metadata": {"name": "third", "color": "red"}, "spec": {"containers": [container]}}
    answer = await server.post(PODS, strange, fieldValidation="Strict")
    assert (answer.status, 'unknown field "metadata.color"' in answer.body["message"]) == (400, True)
    doubled = orjson.dumps({"spec": {"containers": [container]}})
    text = b'{"metadata": {"name": "fourth"}, "spec": {}, ' + doubled[1:]
    answer = await server.post(PODS, text, fieldValidation="Strict")
    assert (answer.status, 'duplicate field "spec"' in answer.body["message"]) == (400, True)
