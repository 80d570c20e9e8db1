"""Server-side apply, as its clients meet it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.api.definitions import GROUP, WIDGETS, definition, established, widget
from tests.api.harness import MERGE, STRATEGIC, Reply, Server
from tests.api.objects import CONFIG_MAPS, DEPLOYMENTS, PODS, SERVICES, config_map, deployment, pod

JSON = dict[str, Any]
APPLY = "application/apply-patch+yaml"
CM, DEPLOYMENT = f"{CONFIG_MAPS}/cm", f"{DEPLOYMENTS}/d"
NOW = "2026-01-01T00:00:00Z"


async def apply(server: Server, path: str, config: JSON, manager: str = "m", **query: str) -> Reply:
    return await server.patch(path, config, APPLY, fieldManager=manager, **query)


def cm(**data: Any) -> JSON:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}, "data": data}


def owners(reply: Reply) -> dict[tuple[str, str, str], JSON]:
    """The fields of each manager, by name, operation and subresource."""
    entries = reply.body["metadata"].get("managedFields", [])
    return {(e["manager"], e["operation"], e.get("subresource", "")): e["fieldsV1"] for e in entries}


async def test_what_is_applied_is_created_and_owned(server: Server) -> None:
    answer = await apply(server, CM, cm(a="1"))
    assert answer.status == 201
    assert answer.body["data"] == {"a": "1"}
    assert answer.body["metadata"]["managedFields"] == [
        {
            "manager": "m",
            "operation": "Apply",
            "apiVersion": "v1",
            "time": NOW,
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:a": {}}},
        }
    ]


async def test_applying_the_same_again_changes_nothing(server: Server) -> None:
    made = (await apply(server, DEPLOYMENT, deployment())).body
    await server.clock.advance(60)
    again = await apply(server, DEPLOYMENT, deployment())
    assert (again.status, again.body) == (200, made)


async def test_what_is_no_longer_applied_goes_unless_somebody_else_owns_it(server: Server) -> None:
    await apply(server, CM, cm(a="1", b="2", c="3"))
    await apply(server, CM, cm(b="2"), "other")
    await server.patch(CM, {"data": {"d": "4"}}, fieldManager="patcher")
    answer = await apply(server, CM, cm(c="3"))
    assert answer.body["data"] == {"b": "2", "c": "3", "d": "4"}
    assert owners(answer) == {
        ("m", "Apply", ""): {"f:data": {"f:c": {}}},
        ("other", "Apply", ""): {"f:data": {"f:b": {}}},
        ("patcher", "Update", ""): {"f:data": {"f:d": {}}},
    }


async def test_an_applier_that_wants_nothing_more_owns_nothing(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map(a="1"), fieldManager="creator")
    await apply(server, CM, cm(b="2"))
    answer = await apply(server, CM, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}})
    assert answer.body["data"] == {"a": "1"}
    assert owners(answer) == {("creator", "Update", ""): {"f:data": {".": {}, "f:a": {}}}}


async def test_one_conflict(server: Server) -> None:
    await apply(server, CM, cm(a="1"))
    answer = await apply(server, CM, cm(a="2"), "other")
    assert (answer.status, answer.body) == (
        409,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": 'Apply failed with 1 conflict: conflict with "m": .data.a',
            "reason": "Conflict",
            "details": {
                "causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "m"', "field": ".data.a"}]
            },
            "code": 409,
        },
    )


async def test_several_conflicts_are_told_by_manager(server: Server) -> None:
    await server.post(DEPLOYMENTS, deployment(replicas=1), fieldManager="kubectl-create")
    await server.patch(f"{DEPLOYMENT}/scale", {"spec": {"replicas": 3}}, fieldManager="scaler")
    config = deployment(replicas=2)
    config["spec"]["template"]["spec"]["containers"][0]["image"] = "other"
    answer = await apply(server, DEPLOYMENT, config)
    assert answer.body["message"] == (
        'Apply failed with 2 conflicts: conflicts with "kubectl-create" using apps/v1:\n'
        '- .spec.template.spec.containers[name="c"].image\n'
        'conflicts with "scaler" with subresource "scale" using apps/v1:\n'
        "- .spec.replicas"
    )


async def test_force_takes_what_is_in_conflict(server: Server) -> None:
    await apply(server, CM, cm(a="1", b="1"))
    answer = await apply(server, CM, cm(a="2"), "other", force="true")
    assert answer.body["data"] == {"a": "2", "b": "1"}
    assert owners(answer) == {
        ("m", "Apply", ""): {"f:data": {"f:b": {}}},
        ("other", "Apply", ""): {"f:data": {"f:a": {}}},
    }


async def test_the_same_value_is_shared_and_outlives_one_of_its_owners(server: Server) -> None:
    await apply(server, CM, cm(a="1"))
    shared = await apply(server, CM, cm(a="1"), "other")
    assert set(owners(shared)) == {("m", "Apply", ""), ("other", "Apply", "")}
    assert (await apply(server, CM, cm(), "other")).body["data"] == {"a": "1"}


async def test_defaults_have_no_owner(server: Server) -> None:
    answer = await apply(server, DEPLOYMENT, deployment())
    assert answer.body["spec"]["replicas"] == 1
    assert owners(answer)["m", "Apply", ""]["f:spec"] == {
        "f:selector": {},
        "f:template": {
            "f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:image": {}, "f:name": {}}}},
        },
    }
    await apply(server, DEPLOYMENT, deployment(replicas=4))
    assert (await apply(server, DEPLOYMENT, deployment())).body["spec"]["replicas"] == 1


async def test_items_of_lists_have_owners_of_their_own(server: Server) -> None:
    def with_container(name: str) -> JSON:
        config = deployment()
        config["spec"]["template"]["spec"]["containers"] = [{"name": name, "image": name}]
        return config

    await apply(server, DEPLOYMENT, with_container("a"))
    both = await apply(server, DEPLOYMENT, with_container("b"), "other")
    assert [c["name"] for c in both.body["spec"]["template"]["spec"]["containers"]] == ["a", "b"]
    left = await apply(server, DEPLOYMENT, with_container("c"))
    assert [c["name"] for c in left.body["spec"]["template"]["spec"]["containers"]] == ["b", "c"]


async def test_sets_have_owners_of_their_items(server: Server) -> None:
    def with_finalizer(name: str) -> JSON:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm", "finalizers": [name]}}

    await apply(server, CM, with_finalizer("example.com/a"))
    both = await apply(server, CM, with_finalizer("example.com/b"), "other")
    assert both.body["metadata"]["finalizers"] == ["example.com/a", "example.com/b"]
    assert owners(both)["other", "Apply", ""] == {"f:metadata": {"f:finalizers": {'v:"example.com/b"': {}}}}
    left = await apply(server, CM, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}})
    assert left.body["metadata"]["finalizers"] == ["example.com/b"]


async def test_ports_are_told_apart_by_their_defaulted_protocol(server: Server) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"ports": [{"port": 80, "name": "a"}, {"port": 80, "protocol": "UDP", "name": "b"}]},
    }
    answer = await apply(server, f"{SERVICES}/s", config)
    assert answer.status == 201, answer.body
    assert list(owners(answer)["m", "Apply", ""]["f:spec"]["f:ports"]) == [
        'k:{"port":80,"protocol":"TCP"}',
        'k:{"port":80,"protocol":"UDP"}',
    ]


async def test_an_update_takes_fields_and_who_had_them_loses_them(server: Server) -> None:
    await apply(server, CM, cm(a="1", b="2"))
    await server.clock.advance(60)
    answer = await server.patch(CM, {"data": {"a": "x"}}, fieldManager="patcher")
    assert owners(answer) == {
        ("m", "Apply", ""): {"f:data": {"f:b": {}}},
        ("patcher", "Update", ""): {"f:data": {"f:a": {}}},
    }
    assert [entry["time"] for entry in answer.body["metadata"]["managedFields"]] == [NOW, "2026-01-01T00:01:00Z"]


async def test_a_created_object_is_owned_with_its_defaults(server: Server) -> None:
    answer = await server.post(PODS, pod(), fieldManager="creator")
    assert owners(answer)["creator", "Update", ""] == {
        "f:spec": {
            "f:containers": {
                'k:{"name":"c"}': {
                    ".": {},
                    "f:image": {},
                    "f:imagePullPolicy": {},
                    "f:name": {},
                    "f:resources": {},
                    "f:terminationMessagePath": {},
                    "f:terminationMessagePolicy": {},
                }
            },
            "f:dnsPolicy": {},
            "f:enableServiceLinks": {},
            "f:restartPolicy": {},
            "f:schedulerName": {},
            "f:securityContext": {},
            "f:terminationGracePeriodSeconds": {},
        }
    }


async def test_the_status_has_owners_of_its_own(server: Server) -> None:
    await apply(server, DEPLOYMENT, deployment())
    await server.patch(f"{DEPLOYMENT}/status", {"status": {"replicas": 2}}, fieldManager="controller")
    config: JSON = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
    answer = await apply(server, f"{DEPLOYMENT}/status", {**config, "status": {"readyReplicas": 1}}, "applier")
    assert answer.status == 200, answer.body
    found = owners(answer)
    assert found["controller", "Update", "status"] == {"f:status": {"f:replicas": {}}}
    assert found["applier", "Apply", "status"] == {"f:status": {"f:readyReplicas": {}}}
    ignored = await apply(server, DEPLOYMENT, {**deployment(), "status": {"replicas": 9}})
    assert ignored.body["status"] == {"replicas": 2, "readyReplicas": 1}
    assert "f:status" not in owners(ignored)["m", "Apply", ""]


async def test_the_number_is_owned_through_scale(server: Server) -> None:
    await apply(server, DEPLOYMENT, deployment(replicas=1))
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d"}, "spec": {"replicas": 3}}
    refused = await apply(server, f"{DEPLOYMENT}/scale", scale, "scaler")
    assert refused.body["message"] == 'Apply failed with 1 conflict: conflict with "m": .spec.replicas'
    forced = await apply(server, f"{DEPLOYMENT}/scale", scale, "scaler", force="true")
    assert (forced.status, forced.body["kind"], forced.body["spec"]) == (200, "Scale", {"replicas": 3})
    found = owners(await server.get(DEPLOYMENT))
    assert found["scaler", "Apply", "scale"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in found["m", "Apply", ""]["f:spec"]


async def test_nothing_is_created_through_a_subresource(server: Server) -> None:
    config = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
    assert (await apply(server, f"{DEPLOYMENT}/status", config)).status == 404


async def test_a_dry_run_stores_nothing(server: Server) -> None:
    assert (await apply(server, CM, cm(a="1"), dryRun="All")).status == 201
    assert (await server.get(CM)).status == 404


@pytest.mark.parametrize("reset", [[{}], []], ids=["an empty entry", "no entries"])
async def test_owners_can_be_forgotten(server: Server, reset: list[JSON]) -> None:
    await apply(server, CM, cm(a="1"))
    answer = await server.patch(CM, {"metadata": {"managedFields": reset}}, MERGE)
    assert "managedFields" not in answer.body["metadata"]


async def test_owners_are_kept_where_a_client_does_not_know_them_or_sends_nonsense(server: Server) -> None:
    made = (await apply(server, CM, cm(a="1"))).body
    entries = made["metadata"].pop("managedFields")
    made["data"]["b"] = "2"
    answer = await server.put(CM, made, fieldManager="old-client")
    assert owners(answer)["m", "Apply", ""] == {"f:data": {"f:a": {}}}
    nonsense = [{**entries[0], "fieldsV1": {"q": {}}}]
    patched = await server.patch(CM, {"metadata": {"managedFields": nonsense}}, MERGE)
    assert owners(patched) == owners(answer)


async def test_owners_can_be_written(server: Server) -> None:
    made = (await apply(server, CM, cm(a="1"))).body
    entry = {**made["metadata"]["managedFields"][0], "manager": "successor", "fieldsV1": {"f:data": {"f:a": {}}}}
    answer = await server.patch(CM, {"metadata": {"managedFields": [entry]}}, MERGE)
    assert set(owners(answer)) == {("successor", "Apply", "")}


async def test_the_oldest_of_too_many_updaters_become_one(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map(k0="x"), fieldManager="u00")
    for number in range(1, 13):
        await server.clock.advance(60)
        answer = await server.patch(CM, {"data": {f"k{number}": "x"}}, fieldManager=f"u{number:02}")
    names = [manager for manager, _, _ in owners(answer)]
    assert len(names) == 10
    assert names[0] == "ancient-changes"
    assert owners(answer)["ancient-changes", "Update", ""]["f:data"].keys() >= {"f:k1", "f:k2"}


async def test_the_user_agent_names_who_does_not_name_himself(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map(a="1"), agent="kubectl/v1.36.0 (linux/amd64)")
    answer = await server.patch(CM, {"data": {"b": "1"}}, agent="kubelet\t/v1.36.0")
    assert list(owners(answer)) == [("kubectl", "Update", ""), ("kubelet", "Update", "")]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param({}, "fieldManager: Required value: is required for apply patch", id="none"),
        pytest.param({"fieldManager": "x" * 129}, "fieldManager: Too long: may not be more than 128 bytes", id="long"),
        pytest.param(
            {"fieldManager": "a\nb"},
            'fieldManager: Invalid value: "a\\nb": invalid character U+000A (at position 1)',
            id="unprintable",
        ),
    ],
)
async def test_a_manager_has_a_name(server: Server, query: dict[str, str], message: str) -> None:
    answer = await server.patch(CM, cm(a="1"), APPLY, **query)
    assert (answer.status, answer.body["message"]) == (
        422,
        f'PatchOptions.meta.k8s.io "" is invalid: {message}',
    )


async def test_only_apply_can_be_forced(server: Server) -> None:
    await server.post(CONFIG_MAPS, config_map())
    answer = await server.patch(CM, {"data": {"a": "1"}}, MERGE, force="true")
    assert answer.body["message"] == (
        'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch'
    )


@pytest.mark.parametrize(
    ("config", "code", "message"),
    [
        pytest.param({"metadata": {"name": "cm"}}, 400, "invalid object type: /, Kind=", id="no kind"),
        pytest.param({**cm(), "kind": "Secret"}, 400, "invalid object type: /v1, Kind=Secret", id="kind"),
        pytest.param(
            {**cm(), "metadata": {"name": "cm", "managedFields": []}},
            400,
            "metadata.managedFields must be nil",
            id="managedFields",
        ),
        pytest.param(
            {**cm(), "metadata": {"name": "cm", "namespace": "default"}, "unknown": 1},
            400,
            "failed to create typed patch object (default/cm; /v1, Kind=ConfigMap): "
            ".unknown: field not declared in schema",
            id="unknown field",
        ),
        pytest.param(
            cm(a=1, b=2),
            400,
            "failed to create typed patch object (/cm; /v1, Kind=ConfigMap): errors:\n"
            "  .data.a: expected string, got &value.valueUnstructured{Value:1}\n"
            "  .data.b: expected string, got &value.valueUnstructured{Value:2}",
            id="types",
        ),
        pytest.param(
            {**cm(), "metadata": {"name": "other"}},
            400,
            "the name of the object (other) does not match the name on the URL (cm)",
            id="name",
        ),
        pytest.param(
            {**cm(), "metadata": {"name": "cm", "uid": "x"}},
            409,
            'Operation cannot be fulfilled on configmaps "cm": '
            "uid mismatch: the provided object specified uid x, and no existing object was found",
            id="uid of nothing",
        ),
    ],
)
async def test_what_cannot_be_applied(server: Server, config: JSON, code: int, message: str) -> None:
    answer = await apply(server, CM, config)
    assert (answer.status, answer.body["message"]) == (code, message)


async def test_an_old_version_or_another_uid_conflicts(server: Server) -> None:
    made = (await apply(server, CM, cm(a="1"))).body
    await server.patch(CM, {"data": {"b": "2"}})
    old = {**cm(a="2"), "metadata": {"name": "cm", "resourceVersion": made["metadata"]["resourceVersion"]}}
    answer = await apply(server, CM, old)
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    other = await apply(server, CM, {**cm(a="2"), "metadata": {"name": "cm", "uid": "x"}})
    assert "Precondition failed: UID in precondition: x" in other.body["message"]


async def test_appliers_who_come_first_together_all_get_their_way(server: Server) -> None:
    configs = [(f"m{number}", cm(**{f"k{number}": "x"})) for number in range(5)]
    answers = await asyncio.gather(*(apply(server, CM, config, manager) for manager, config in configs))
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 200, 201]
    assert (await server.get(CM)).body["data"] == {f"k{number}": "x" for number in range(5)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(b"", "invalid object type: /, Kind=", id="nothing"),
        pytest.param(
            b"- a\n",
            "error decoding YAML: json: cannot unmarshal array into Go value of type map[string]interface {}",
            id="list",
        ),
        pytest.param(
            b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm, namespace: x}\n",
            "the namespace of the object (x) does not match the namespace on the request (default)",
            id="namespace",
        ),
    ],
)
async def test_what_is_no_configuration_for_this_object(server: Server, text: bytes, message: str) -> None:
    answer = await server.request("PATCH", CM, text, content_type=APPLY, fieldManager="m")
    assert (answer.status, answer.body["message"]) == (400, message)


async def test_configurations_may_be_yaml(server: Server) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cm\ndata:\n  a: 'on'\n"
    answer = await server.request("PATCH", CM, text, content_type=APPLY, fieldManager="m")
    assert (answer.status, answer.body["data"]) == (201, {"a": "on"})


@pytest.mark.parametrize(
    ("path", "version", "kind", "spec"),
    [
        pytest.param(
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            "policy/v1",
            "PodDisruptionBudget",
            {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}},
            id="PodDisruptionBudget",
        ),
        pytest.param(
            "/apis/coordination.k8s.io/v1/namespaces/default/leases",
            "coordination.k8s.io/v1",
            "Lease",
            {"holderIdentity": "x"},
            id="Lease",
        ),
    ],
)
async def test_no_version_need_be_named(server: Server, path: str, version: str, kind: str, spec: JSON) -> None:
    config = {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    assert (await apply(server, f"{path}/x", config)).status == 201
    labelled = {**config, "metadata": {"name": "x", "labels": {"a": "b"}}}
    answer = await apply(server, f"{path}/x", labelled)
    assert (answer.status, answer.body["metadata"]["labels"]) == (200, {"a": "b"})


async def test_doubled_keys_are_told(server: Server) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cm\ndata:\n  a: one\n  a: two\n"
    strict = await server.request("PATCH", CM, text, content_type=APPLY, fieldManager="m", fieldValidation="Strict")
    assert strict.status == 400
    assert strict.body["message"].startswith("error strict decoding YAML: error converting YAML to JSON: yaml:")
    assert 'line 7: key "a" already set in map' in strict.body["message"]
    warned = await server.request("PATCH", CM, text, content_type=APPLY, fieldManager="m")
    assert warned.status == 201, warned.body
    assert (warned.status, warned.body["data"]) == (201, {"a": "two"})
    assert warned.headers["warning"] == '299 - "line 7: key \\"a\\" already set in map"'


async def test_doubled_keys_of_json_that_is_no_yaml(server: Server) -> None:
    text = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm"},\n\t"data":{"a":"one","a":"two"}}'
    answer = await server.request("PATCH", CM, text, content_type=APPLY, fieldManager="m", fieldValidation="Strict")
    assert answer.status == 400
    assert '"a"' in answer.body["message"] or '"data.a"' in answer.body["message"]


async def test_nulls_are_owned_and_remove(server: Server) -> None:
    await server.post(DEPLOYMENTS, deployment(paused=True), fieldManager="creator")
    config = deployment(paused=None)
    assert "conflict" in (await apply(server, DEPLOYMENT, config)).body["message"]
    answer = await apply(server, DEPLOYMENT, config, force="true")
    assert "paused" not in answer.body["spec"]
    assert "f:paused" in owners(answer)["m", "Apply", ""]["f:spec"]


async def test_kubectl_takes_over_what_it_has_applied_itself(server: Server) -> None:
    applied = cm(a="1", b="1")
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied) + "\n"}
    await server.post(
        CONFIG_MAPS,
        {**applied, "metadata": {"name": "cm", "annotations": annotations}},
        fieldManager="kubectl-client-side-apply",
    )
    await server.patch(CM, {"data": {"b": "2"}}, fieldManager="other")
    assert (await apply(server, CM, cm(a="2"), "m")).status == 409
    refused = await apply(server, CM, cm(a="2", b="3"), "kubectl")
    assert refused.body["message"] == 'Apply failed with 1 conflict: conflict with "other" using v1: .data.b'
    answer = await apply(server, CM, cm(a="2"), "kubectl")
    assert answer.body["data"] == {"a": "2", "b": "2"}
    kept = answer.body["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
    assert json.loads(kept) == cm(a="2")


async def test_managers_of_other_versions_are_converted(server: Server) -> None:
    path = "/apis/autoscaling/v{}/namespaces/default/horizontalpodautoscalers"
    target = {"kind": "Deployment", "apiVersion": "apps/v1", "name": "d"}
    newer = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 5},
    }
    older: JSON = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 6},
    }
    await apply(server, path.format(2) + "/h", newer)
    refused = await apply(server, path.format(1) + "/h", older, "other")
    assert refused.body["message"] == 'Apply failed with 1 conflict: conflict with "m": .spec.maxReplicas'
    answer = await apply(server, path.format(1) + "/h", {**older, "spec": {**older["spec"], "maxReplicas": 5}})
    assert [entry["apiVersion"] for entry in answer.body["metadata"]["managedFields"]] == ["autoscaling/v1"]


async def test_binding_and_strategic_patches_do_what_they_do(server: Server) -> None:
    await server.post(PODS, pod(), fieldManager="creator")
    answer = await server.patch(f"{PODS}/p", {"metadata": {"labels": {"a": "b"}}}, STRATEGIC, fieldManager="labeller")
    assert owners(answer)["labeller", "Update", ""] == {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}
    await server.post(
        f"{PODS}/p/binding", {"metadata": {"name": "p"}, "target": {"name": "n1"}}, fieldManager="scheduler"
    )
    bound = await server.get(f"{PODS}/p")
    assert bound.body["spec"]["nodeName"] == "n1"
    assert "scheduler" not in {manager for manager, _, _ in owners(bound)}


async def test_custom_resources_are_owned_by_their_schema(server: Server) -> None:
    await established(server, definition())
    path = f"{WIDGETS}/w"
    made = await server.post(WIDGETS, widget(parts=[{"name": "x"}]), fieldManager="creator")
    assert owners(made)["creator", "Update", ""]["f:spec"] == {
        ".": {},
        "f:color": {},
        "f:parts": {".": {}, 'k:{"name":"x"}': {".": {}, "f:name": {}, "f:weight": {}}},
        "f:size": {},
    }
    config = widget(size=1, parts=[{"name": "y"}])
    answer = await apply(server, path, config)
    assert answer.status == 200, answer.body
    assert [part["name"] for part in answer.body["spec"]["parts"]] == ["x", "y"]
    conflict = await apply(server, path, widget(size=2))
    assert conflict.body["message"] == (
        f'Apply failed with 1 conflict: conflict with "creator" using {GROUP}/v1: .spec.size'
    )
    left = await apply(server, path, widget(size=1))
    assert [part["name"] for part in left.body["spec"]["parts"]] == ["x"]
    status = {key: config[key] for key in ("kind", "apiVersion", "metadata")} | {"status": {"phase": "p"}}
    found = await apply(server, f"{path}/status", status, "controller")
    assert owners(found)["controller", "Apply", "status"] == {"f:status": {"f:phase": {}}}
