"""Admission webhooks over real TLS: who is asked about what, what the answers do, and what no answer does."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from knarr.storage.store import Write
from knarr.wire.messages import Response
from tests.api.certificates import Authority
from tests.api.harness import Reply, Server
from tests.api.webhooks import Hook, allow, configuration, deny, hook, patching, review_of, rule, webhook

JSON = dict[str, Any]
MAPS = "/api/v1/namespaces/default/configmaps"
BASE = "/apis/admissionregistration.k8s.io/v1"


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Hook]:
    """A webhook server that allows everything until told otherwise."""
    async with hook(Authority(tmp_path), allow) as found:
        yield found


async def register(server: Server, kind: str, name: str, *webhooks: JSON) -> None:
    body = configuration(kind, name, *webhooks)
    reply = await server.post(f"{BASE}/{kind.lower()}webhookconfigurations", body)
    assert reply.status == 201, reply.body


def config_map(name: str = "a", **rest: Any) -> JSON:
    return {"metadata": {"name": name}, "data": {"k": "v"}, **rest}


def message(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.body["message"]


async def test_the_review_that_a_create_becomes(server: Server, asked: Hook) -> None:
    await register(server, "Validating", "v", webhook(asked, "/v"))
    created = (await server.post(MAPS, config_map(), fieldManager="me")).body
    (review,) = asked.reviews
    request = review["request"]
    assert (review["kind"], review["apiVersion"]) == ("AdmissionReview", "admission.k8s.io/v1")
    assert len(request.pop("uid")) == 36
    seen = request.pop("object")
    assert seen == {**created, "metadata": {k: v for k, v in created["metadata"].items() if k != "resourceVersion"}}
    kind, resource = {"group": "", "version": "v1", "kind": "ConfigMap"}, {"group": "", "version": "v1"}
    assert request == {
        "kind": kind,
        "resource": {**resource, "resource": "configmaps"},
        "requestKind": kind,
        "requestResource": {**resource, "resource": "configmaps"},
        "name": "a",
        "namespace": "default",
        "operation": "CREATE",
        "userInfo": {"username": "admin", "groups": ["system:masters"]},
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "me"},
    }
    assert asked.asked[0].query == "timeout=10s"


async def test_updates_and_deletions_show_the_old_object(server: Server, asked: Hook) -> None:
    await register(server, "Validating", "v", webhook(asked, rules=[rule(operations="*")]))
    first = (await server.post(MAPS, config_map())).body
    second = (await server.patch(f"{MAPS}/a", {"data": {"k": "w"}})).body
    await server.delete(
        f"{MAPS}/a", {"propagationPolicy": "Background", "preconditions": {"uid": first["metadata"]["uid"]}}
    )
    _, update, delete = [review["request"] for review in asked.reviews]
    assert (update["operation"], update["options"]["kind"], update["oldObject"]) == ("UPDATE", "PatchOptions", first)
    assert update["object"]["data"] == {"k": "w"}
    assert (delete["operation"], delete["name"], delete["object"], delete["oldObject"]) == ("DELETE", "a", None, second)
    assert delete["options"] == {
        "kind": "DeleteOptions",
        "apiVersion": "meta.k8s.io/v1",
        "propagationPolicy": "Background",
        "preconditions": {"uid": first["metadata"]["uid"]},
    }


async def test_every_object_of_a_deleted_collection(server: Server, asked: Hook) -> None:
    for name in "abc":
        await server.post(MAPS, config_map(name))
    await register(server, "Validating", "v", webhook(asked, rules=[rule(operations="DELETE")]))
    await server.delete(MAPS)
    assert sorted(review["request"]["oldObject"]["metadata"]["name"] for review in asked.reviews) == list("abc")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(
            {"message": "no"}, (400, 'admission webhook "hook.test.io" denied the request: no', None), id="no"
        ),
        pytest.param(
            {}, (400, 'admission webhook "hook.test.io" denied the request without explanation', None), id="dumb"
        ),
        pytest.param(
            {"reason": "Forbidden", "code": 403},
            (403, 'admission webhook "hook.test.io" denied the request: Forbidden', "Forbidden"),
            id="a reason",
        ),
        pytest.param(
            {"message": "x", "code": 200},
            (400, 'admission webhook "hook.test.io" denied the request: x', None),
            id="200",
        ),
    ],
)
async def test_a_refusal(server: Server, asked: Hook, status: JSON, expected: tuple[int, str, str | None]) -> None:
    asked.reply = deny(**status)
    await register(server, "Validating", "v", webhook(asked))
    reply = await server.post(MAPS, config_map())
    assert (reply.status, reply.body["message"], reply.body.get("reason")) == expected
    assert reply.body["code"] == expected[0]
    assert (await server.get(f"{MAPS}/a")).status == 404


async def test_patches_come_one_after_the_other(server: Server, asked: Hook) -> None:
    def reply(review: JSON) -> Any:
        labels = review["request"]["object"]["metadata"].get("labels", {})
        labels = {**labels, f"n{len(labels)}": "x"}
        return patching({"op": "add", "path": "/metadata/labels", "value": labels})(review)

    asked.reply = reply
    await register(server, "Mutating", "b", webhook(asked, "/b"))
    await register(server, "Mutating", "a", webhook(asked, "/a1"), webhook(asked, "/a2", "second.test.io"))
    created = (await server.post(MAPS, config_map())).body
    assert created["metadata"]["labels"] == {"n0": "x", "n1": "x", "n2": "x"}
    assert [request.path for request in asked.asked] == ["/a1", "/a2", "/b"]


async def test_a_mutating_webhook_sees_what_the_client_sent(server: Server, asked: Hook) -> None:
    await register(server, "Mutating", "m", webhook(asked))
    await register(server, "Validating", "v", webhook(asked))
    await server.post(MAPS, {"metadata": {"generateName": "x-"}})
    mutating, validating = [review["request"] for review in asked.reviews]
    del mutating["object"]["metadata"]["managedFields"]
    assert mutating["object"]["metadata"] == {"generateName": "x-", "namespace": "default"}
    assert "name" not in mutating
    assert validating["object"]["metadata"]["name"].startswith("x-")


async def test_owners_that_a_webhook_has_spoilt_are_those_from_before(server: Server, asked: Hook) -> None:
    asked.reply = patching({"op": "replace", "path": "/metadata/managedFields/0/operation", "value": "Nonsense"})
    await register(server, "Mutating", "m", webhook(asked))
    reply = await server.post(MAPS, config_map(data={"k": "v"}), fieldManager="creator")
    (entry,) = reply.body["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("creator", "Update")
    assert ".metadata.managedFields was in an invalid state after admission" in reply.headers["warning"]


async def test_a_patched_pod_is_defaulted_and_validated(server: Server, asked: Hook) -> None:
    pods = "/api/v1/namespaces/default/pods"
    sidecar = {"op": "add", "path": "/spec/containers/-", "value": {"name": "side", "image": "s"}}
    asked.reply = patching(sidecar)
    await register(server, "Mutating", "m", webhook(asked, rules=[rule("pods")]))
    pod: JSON = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    created = (await server.post(pods, pod)).body
    side = created["spec"]["containers"][1]
    assert (side["imagePullPolicy"], side["terminationMessagePath"]) == ("Always", "/dev/termination-log")
    assert side["volumeMounts"] == created["spec"]["containers"][0]["volumeMounts"]  # ServiceAccount has run again
    pod["metadata"]["name"] = "q"
    pod["spec"]["containers"][0]["name"] = "side"
    assert message(await server.post(pods, pod)) == (
        422,
        'Pod "q" is invalid: spec.containers[1].name: Duplicate value: "side"',
    )


async def test_what_the_server_alone_writes_no_patch_changes(server: Server, asked: Hook) -> None:
    created = (await server.post(MAPS, config_map())).body
    asked.reply = patching(
        {"op": "replace", "path": "/metadata/uid", "value": created["metadata"]["uid"]},
        {"op": "add", "path": "/metadata/creationTimestamp", "value": "2001-01-01T00:00:00Z"},
        {"op": "add", "path": "/data/seen", "value": "yes"},
    )
    await register(server, "Mutating", "m", webhook(asked, rules=[rule(operations="UPDATE")]))
    updated = (await server.patch(f"{MAPS}/a", {"data": {"k": "w"}})).body
    kept = {name: updated["metadata"].get(name) for name in ("uid", "creationTimestamp")}
    assert kept == {name: created["metadata"].get(name) for name in kept}
    assert updated["data"] == {"k": "w", "seen": "yes"}


async def test_only_the_status_may_be_changed_at_the_status(server: Server, asked: Hook) -> None:
    asked.reply = patching(
        {"op": "add", "path": "/spec/paused", "value": True},
        {"op": "add", "path": "/status/replicas", "value": 7},
    )
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = "/apis/apps/v1/namespaces/default/deployments"
    await server.post(path, {"metadata": {"name": "d"}, "spec": spec})
    await register(server, "Mutating", "m", webhook(asked, rules=[rule("deployments/*", "UPDATE")]))
    updated = (await server.patch(f"{path}/d/status", {"status": {"observedGeneration": 1}})).body
    assert updated["status"] == {"observedGeneration": 1, "replicas": 7}
    assert "paused" not in updated["spec"]
    assert asked.reviews[0]["request"]["subResource"] == "status"


async def test_the_scale_is_reviewed_as_a_scale(server: Server, asked: Hook) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = "/apis/apps/v1/namespaces/default/deployments"
    await server.post(path, {"metadata": {"name": "d"}, "spec": spec})
    asked.reply = patching({"op": "replace", "path": "/spec/replicas", "value": 5})
    await register(server, "Mutating", "m", webhook(asked, rules=[rule("deployments/scale", "UPDATE")]))
    scaled = (await server.patch(f"{path}/d/scale", {"spec": {"replicas": 3}})).body
    assert scaled["spec"]["replicas"] == 5
    request = asked.reviews[0]["request"]
    assert request["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert (request["resource"]["resource"], request["subResource"]) == ("deployments", "scale")
    assert (request["object"]["spec"], request["oldObject"]["spec"]) == ({"replicas": 3}, {"replicas": 1})


async def test_bindings_and_evictions_are_reviewed_as_such(server: Server, asked: Hook) -> None:
    pods = "/api/v1/namespaces/default/pods"
    await server.post(pods, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    await register(server, "Validating", "v", webhook(asked, rules=[rule("pods/* pods", "*")]))
    await server.post(f"{pods}/p/binding", {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}})
    asked.reply = deny(message="stay")
    evicted = await server.post(f"{pods}/p/eviction", {"metadata": {"name": "p"}})
    assert message(evicted) == (400, 'admission webhook "hook.test.io" denied the request: stay')
    found = [(r["request"]["operation"], r["request"]["kind"]["kind"], r["request"]["name"]) for r in asked.reviews]
    assert found == [("CREATE", "Binding", "p"), ("CREATE", "Eviction", "p")]


@pytest.mark.parametrize(
    ("fields", "called"),
    [
        pytest.param({"rules": [rule("*")]}, True, id="every resource"),
        pytest.param({"rules": [rule("*/*")]}, True, id="everything"),
        pytest.param({"rules": [rule("configmaps/*")]}, True, id="it and all below"),
        pytest.param({"rules": [rule("configmaps/status secrets")]}, False, id="another resource"),
        pytest.param({"rules": [rule(operations="UPDATE DELETE")]}, False, id="another operation"),
        pytest.param({"rules": [rule(apiGroups=["apps"])]}, False, id="another group"),
        pytest.param({"rules": [rule(apiGroups=[""], apiVersions=["v1"])]}, True, id="the group and version"),
        pytest.param({"rules": [rule(scope="Cluster")]}, False, id="cluster scope"),
        pytest.param({"rules": [rule(scope="Namespaced")]}, True, id="namespaced scope"),
        pytest.param({"objectSelector": {"matchLabels": {"app": "x"}}}, True, id="object's labels"),
        pytest.param({"objectSelector": {"matchLabels": {"app": "y"}}}, False, id="other labels"),
        pytest.param({"namespaceSelector": {"matchLabels": {"env": "test"}}}, True, id="namespace's labels"),
        pytest.param(
            {"namespaceSelector": {"matchExpressions": [{"key": "env", "operator": "DoesNotExist"}]}},
            False,
            id="namespace's other labels",
        ),
        pytest.param({"rules": []}, False, id="no rules"),
    ],
)
async def test_who_is_asked(server: Server, asked: Hook, fields: JSON, called: bool) -> None:
    await server.patch("/api/v1/namespaces/default", {"metadata": {"labels": {"env": "test"}}})
    await register(server, "Validating", "v", webhook(asked, **fields))
    created = await server.post(MAPS, {"metadata": {"name": "a", "labels": {"app": "x"}}})
    assert (created.status, bool(asked.asked)) == (201, called)


@pytest.mark.parametrize(("policy", "called"), [("Equivalent", True), ("Exact", False)])
async def test_other_versions_of_a_resource(server: Server, asked: Hook, policy: str, called: bool) -> None:
    rules = [rule("events", apiGroups=["events.k8s.io"], apiVersions=["v1"])]
    await register(server, "Validating", "v", webhook(asked, rules=rules, matchPolicy=policy))
    event = {"metadata": {"name": "e"}, "involvedObject": {"namespace": "default"}, "message": "hello"}
    assert (await server.post("/api/v1/namespaces/default/events", event)).status == 201
    requests = [review["request"] for review in asked.reviews]
    assert bool(requests) == called
    for request in requests:
        assert request["kind"] == {"group": "events.k8s.io", "version": "v1", "kind": "Event"}
        assert request["requestKind"] == {"group": "", "version": "v1", "kind": "Event"}
        assert (request["object"]["apiVersion"], request["object"]["note"]) == ("events.k8s.io/v1", "hello")


async def test_a_patch_in_another_version_is_converted_back(server: Server, asked: Hook) -> None:
    asked.reply = patching({"op": "replace", "path": "/note", "value": "changed"})
    rules = [rule("events", apiGroups=["events.k8s.io"], apiVersions=["v1"])]
    await register(server, "Mutating", "m", webhook(asked, rules=rules))
    event = {"metadata": {"name": "e"}, "involvedObject": {"namespace": "default"}, "message": "hello"}
    created = (await server.post("/api/v1/namespaces/default/events", event)).body
    assert (created["apiVersion"], created["message"]) == ("v1", "changed")


async def test_namespaces_have_their_own_labels(server: Server, asked: Hook) -> None:
    selector = {"matchLabels": {"env": "test"}}
    await register(server, "Validating", "v", webhook(asked, rules=[rule("namespaces")], namespaceSelector=selector))
    await server.post("/api/v1/namespaces", {"metadata": {"name": "other"}})
    await server.post("/api/v1/namespaces", {"metadata": {"name": "mine", "labels": {"env": "test"}}})
    (review,) = asked.reviews
    assert (review["request"]["name"], review["request"]["namespace"]) == ("mine", "mine")


async def test_configurations_are_exempt(server: Server, asked: Hook) -> None:
    asked.reply = deny()
    everything = webhook(asked, rules=[rule("*/*", "*")])
    await register(server, "Validating", "v", everything)
    await register(server, "Mutating", "m", everything)
    assert (await server.delete(f"{BASE}/validatingwebhookconfigurations/v")).status == 200
    assert asked.asked == []


@pytest.mark.parametrize("kind", ["Validating", "Mutating"])
async def test_nobody_answers(server: Server, asked: Hook, kind: str) -> None:
    async def never(review: JSON) -> JSON:
        await asyncio.sleep(30)
        return {}

    asked.reply = never
    await register(server, kind, "v", webhook(asked, "/slow", timeoutSeconds=1))
    before = asyncio.get_running_loop().time()
    why = f'Post "{asked.url}/slow?timeout=1s": context deadline exceeded'
    text = f'failed calling webhook "hook.test.io": failed to call webhook: {why}'
    reply = await server.post(MAPS, config_map())
    assert message(reply) == (500, f"Internal error occurred: {text}")
    assert (reply.body["reason"], asyncio.get_running_loop().time() - before < 3) == ("InternalError", True)


async def test_a_webhook_that_may_fail(server: Server, asked: Hook) -> None:
    asked.reply = lambda _: Response(500, body=b"broken")
    await register(server, "Mutating", "m", webhook(asked, failurePolicy="Ignore"))
    await register(server, "Validating", "v", webhook(asked, failurePolicy="Ignore"))
    assert (await server.post(MAPS, config_map())).status == 201
    assert len(asked.asked) == 2


async def test_the_requests_own_time_is_a_limit_too(server: Server, asked: Hook) -> None:
    asked.reply = lambda _: asyncio.sleep(30)
    await register(server, "Mutating", "m", webhook(asked))
    reply = await server.post(MAPS, config_map(), timeout="100ms")
    assert (reply.status, "deadline exceeded" in reply.body["message"]) in [(500, True), (504, True)]
    reply = await server.post(MAPS, config_map(), timeout="soon")
    text = 'invalid timeout specified in the request URL - time: invalid duration "soon"'
    assert message(reply) == (400, text)


def _patch(text: bytes) -> str:
    return base64.b64encode(text).decode()


HOSTILE = {
    "not JSON": (lambda _: Response(200, body=b"hello"), "the answer is no AdmissionReview"),
    "nothing": (lambda _: {}, "webhook response was absent"),
    "another uid": (lambda r: review_of(r, uid="x"), 'got "x"'),
    "another kind": (
        lambda r: {**review_of(r), "kind": "Pod", "apiVersion": "v1"},
        "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /v1, Kind=Pod",
    ),
    "no patch type": (
        lambda r: review_of(r, patch=_patch(b"[]")),
        "webhook returned response.patch but not response.patchType",
    ),
    "no patch": (
        lambda r: review_of(r, patchType="JSONPatch"),
        "webhook returned response.patchType but not response.patch",
    ),
    "another patch type": (
        lambda r: review_of(r, patch=_patch(b"[]"), patchType="Merge"),
        'webhook returned invalid response.patchType of "Merge"',
    ),
    "a patch that is no JSON": (
        lambda r: review_of(r, patch=_patch(b"x"), patchType="JSONPatch"),
        "Internal error occurred: the patch is no JSON",
    ),
    "a patch that does not apply": (
        patching({"op": "remove", "path": "/nowhere"}),
        "Internal error occurred: ",
    ),
    "a patch into nonsense": (
        patching({"op": "replace", "path": "/data", "value": 7}),
        "Internal error occurred: json: cannot unmarshal number",
    ),
    "another object": (
        patching({"op": "replace", "path": "/kind", "value": "Secret"}),
        "the patch changes the object's kind from ConfigMap to Secret",
    ),
    "no object at all": (
        patching({"op": "replace", "path": "", "value": []}),
        "the patched object is no object of the API",
    ),
    "another name space": (
        patching({"op": "add", "path": "/metadata/namespace", "value": "kube-system"}),
        "the namespace of the provided object does not match the namespace sent on the request",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_answers_that_make_no_sense(server: Server, asked: Hook, case: str) -> None:
    asked.reply, why = HOSTILE[case]
    await register(server, "Mutating", "m", webhook(asked))
    reply = await server.post(MAPS, config_map())
    assert reply.status >= 400
    assert why in reply.body["message"]
    assert (await server.get(f"{MAPS}/a")).status == 404


async def test_a_deletion_cannot_be_patched(server: Server, asked: Hook) -> None:
    await server.post(MAPS, config_map())
    asked.reply = patching({"op": "add", "path": "/data", "value": {}})
    await register(server, "Mutating", "m", webhook(asked, rules=[rule(operations="DELETE")]))
    why = 'admission webhook "hook.test.io" attempted to modify the object, which is not supported for this operation'
    assert message(await server.delete(f"{MAPS}/a")) == (500, f"Internal error occurred: {why}")


async def test_a_validating_webhook_may_not_patch(server: Server, asked: Hook) -> None:
    asked.reply = patching({"op": "add", "path": "/data", "value": {}})
    await register(server, "Validating", "v", webhook(asked))
    reply = await server.post(MAPS, config_map())
    assert "received invalid webhook response: validating webhook may not return response.patch" in message(reply)[1]


async def test_validating_webhooks_are_asked_all_at_once(server: Server, asked: Hook) -> None:
    everybody = asyncio.Barrier(3)

    async def reply(review: JSON) -> JSON:
        await everybody.wait()
        return allow(review)

    asked.reply = reply
    await register(server, "Validating", "v", *(webhook(asked, f"/{n}", f"h{n}.test.io") for n in range(3)))
    assert (await server.post(MAPS, config_map())).status == 201


async def test_the_first_refusal_is_the_answer(server: Server, asked: Hook) -> None:
    async def slow(review: JSON) -> JSON:
        await asyncio.sleep(30)
        return allow(review)

    asked.reply = slow
    async with hook(asked.authority, deny(message="first")) as quick:
        await register(server, "Validating", "a", webhook(asked))
        await register(server, "Validating", "b", webhook(quick, name="quick.test.io"))
        reply = await server.post(MAPS, config_map())
    assert message(reply) == (400, 'admission webhook "quick.test.io" denied the request: first')


async def test_who_asked_for_it_is_called_again(server: Server, asked: Hook) -> None:
    def reply(review: JSON) -> Any:
        data = review["request"]["object"]["data"]
        return patching({"op": "add", "path": f"/data/n{len(data)}", "value": "x"})(review)

    async with hook(asked.authority, reply) as changing:
        first = webhook(asked, "/first", "a.test.io", reinvocationPolicy="IfNeeded")
        never = webhook(asked, "/never", "b.test.io")
        last = webhook(asked, "/last", "d.test.io", reinvocationPolicy="IfNeeded")
        await register(server, "Mutating", "m", first, never, webhook(changing, name="c.test.io"), last)
        await server.post(MAPS, config_map())
    assert [request.path for request in asked.asked] == ["/first", "/never", "/last", "/first"]
    seen = [sorted(review["request"]["object"]["data"]) for review in asked.reviews]
    assert seen == [["k"], ["k"], ["k", "n1"], ["k", "n1"]]


async def test_a_dry_run_asks_only_who_is_harmless(server: Server, asked: Hook) -> None:
    await register(server, "Validating", "v", webhook(asked, sideEffects="NoneOnDryRun"))
    assert (await server.post(MAPS, config_map(), dryRun="All")).status == 201
    assert asked.reviews[0]["request"]["dryRun"] is True
    assert asked.reviews[0]["request"]["options"]["dryRun"] == ["All"]


async def test_warnings_reach_the_client(server: Server, asked: Hook) -> None:
    asked.reply = lambda review: review_of(review, warnings=["mind the gap", 'say "so"'])
    await register(server, "Validating", "v", webhook(asked))
    reply = await server.post(MAPS, config_map())
    assert reply.headers["warning"] == '299 - "mind the gap", 299 - "say \\"so\\""'


async def test_too_many_warnings_are_cut(server: Server, asked: Hook) -> None:
    asked.reply = lambda review: review_of(review, warnings=[f"{n}{'x' * 300}" for n in range(30)])
    await register(server, "Validating", "v", webhook(asked))
    given = (await server.post(MAPS, config_map())).headers["warning"].split(", ")
    assert (len(given), {len(text) for text in given}) == (16, {256 + len('299 - ""')})


async def test_a_configuration_counts_from_the_next_request_on(server: Server, asked: Hook) -> None:
    asked.reply = deny()
    assert (await server.post(MAPS, config_map("a"))).status == 201
    await register(server, "Validating", "v", webhook(asked))
    assert (await server.post(MAPS, config_map("b"))).status == 400
    path = f"{BASE}/validatingwebhookconfigurations/v"
    await server.patch(
        path, [{"op": "replace", "path": "/webhooks/0/rules", "value": []}], "application/json-patch+json"
    )
    assert (await server.post(MAPS, config_map("b"))).status == 201
    await server.patch(
        path, [{"op": "add", "path": "/webhooks/0/rules", "value": [rule()]}], "application/json-patch+json"
    )
    assert (await server.post(MAPS, config_map("c"))).status == 400
    await server.delete(path)
    assert (await server.post(MAPS, config_map("c"))).status == 201


async def test_the_older_review(server: Server, asked: Hook) -> None:
    patch = _patch(json.dumps([{"op": "add", "path": "/data/x", "value": "y"}]).encode())
    asked.reply = lambda _: {"response": {"allowed": True, "patch": patch}}
    await register(server, "Mutating", "m", webhook(asked, admissionReviewVersions=["v9", "v1beta1"]))
    assert (await server.post(MAPS, config_map())).body["data"] == {"k": "v", "x": "y"}
    assert asked.reviews[0]["apiVersion"] == "admission.k8s.io/v1beta1"


@pytest.mark.parametrize(
    ("expressions", "called"),
    [
        pytest.param(["object.data.k == 'v'"], True, id="holds"),
        pytest.param(["object.data.k == 'w'"], False, id="does not"),
        pytest.param(["request.userInfo.username == 'admin'", "!has(object.immutable)"], True, id="both hold"),
        pytest.param(["true", "oldObject != null"], False, id="one does not"),
        pytest.param(["object.nothing == 'x'", "false"], False, id="an error does not matter"),
        pytest.param(["namespaceObject.metadata.name == 'default'"], True, id="the namespace"),
    ],
)
async def test_match_conditions(server: Server, asked: Hook, expressions: list[str], called: bool) -> None:
    conditions = [{"name": f"c{n}", "expression": text} for n, text in enumerate(expressions)]
    await register(server, "Validating", "v", webhook(asked, matchConditions=conditions))
    await register(server, "Mutating", "m", webhook(asked, matchConditions=conditions))
    assert (await server.post(MAPS, config_map())).status == 201
    assert len(asked.asked) == (2 if called else 0)


@pytest.mark.parametrize(("policy", "status"), [("Fail", 403), ("Ignore", 201)])
async def test_a_condition_that_fails(server: Server, asked: Hook, policy: str, status: int) -> None:
    conditions = [{"name": "c", "expression": "object.nothing == 'x'"}]
    await register(server, "Validating", "v", webhook(asked, matchConditions=conditions, failurePolicy=policy))
    reply = await server.post(MAPS, config_map())
    assert (reply.status, asked.asked) == (status, [])
    if status == 403:
        text = "expression 'object.nothing == 'x'' resulted in error: no such key: nothing"
        assert reply.body["message"] == f'configmaps "a" is forbidden: {text}'


@pytest.mark.parametrize(("policy", "status"), [("Fail", 403), ("Ignore", 201)])
async def test_a_stored_condition_that_does_not_compile(server: Server, asked: Hook, policy: str, status: int) -> None:
    """Written by another server that took it; whoever is not concerned is not hurt."""
    conditions = [{"name": "c", "expression": "'written'=='elsewhere'"}]
    await register(server, "Validating", "v", webhook(asked, matchConditions=conditions, failurePolicy=policy))
    entry = server.cache.get("/registry/validatingwebhookconfigurations/v")
    assert entry is not None
    broken = entry.value.replace(b"'written'=='elsewhere'", b"elsewhere.isNewer()")
    await server.api.registry.commit([Write(entry.key, broken, expected=entry.revision)])
    reply = await server.post(MAPS, config_map())
    assert (reply.status, asked.asked) == (status, [])
    if status == 403:
        assert reply.body["message"].startswith('configmaps "a" is forbidden: compilation error: compilation failed:')
    assert (await server.post(MAPS.replace("configmaps", "secrets"), {"metadata": {"name": "s"}})).status == 201


async def test_webhooks_are_counted(server: Server, asked: Hook) -> None:
    open_ = webhook(asked, name="open.test.io", failurePolicy="Ignore", rules=[rule("secrets")])
    await register(server, "Validating", "v", webhook(asked), open_)
    await server.post(MAPS, config_map())
    asked.reply = deny(code=418)
    await server.post(MAPS, config_map("b"))
    asked.reply = lambda _: Response(500)
    await server.post(MAPS, config_map("c"))
    await server.post(MAPS.replace("configmaps", "secrets"), {"metadata": {"name": "s"}})
    text = server.api.registry.metrics.render().decode()
    prefix = "apiserver_admission_webhook"
    of, refused = 'name="hook.test.io",operation="CREATE"', 'rejected="true",type="validating"'
    counted = {
        f'{prefix}_request_total{{code="200",{of},rejected="false",type="validating"}} 1',
        f'{prefix}_request_total{{code="418",{of},{refused}}} 1',
        f'{prefix}_request_total{{code="500",{of},{refused}}} 1',
        f'{prefix}_rejection_count{{error_type="no_error",{of},rejection_code="418",type="validating"}} 1',
        f'{prefix}_rejection_count{{error_type="calling_webhook_error",{of},rejection_code="0",type="validating"}} 1',
        f'{prefix}_fail_open_count{{name="open.test.io",type="validating"}} 1',
    }
    assert counted - set(text.splitlines()) == set()
