"""What the audit log says of requests, read back from the file."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from knarr.apiserver.authn.users import User
from knarr.apiserver.flowcontrol.control import FlowControl
from knarr.apiserver.flowcontrol.passages import Passage
from knarr.apiserver.transport import InProcessTransport
from knarr.machinery.times import parse_duration
from knarr.wire.limits import BODY_LIMIT
from knarr.wire.messages import Duplex, Request, Response, Upgrade
from tests.api.access import bind, role
from tests.api.audits import Log, audited, plain
from tests.api.backends import PATH, backend
from tests.api.certificates import Pair
from tests.api.front import Running
from tests.api.webhooks import hook
from tests.kubectl import installed

JSON = dict[str, Any]
NS = "/api/v1/namespaces/default"
SECRETS, PODS, MAPS = f"{NS}/secrets", f"{NS}/pods", f"{NS}/configmaps"
ADMIN: JSON = {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]}
BOB: JSON = {"username": "bob", "groups": ["system:authenticated"]}
ALLOWED = {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""}
HEAD: JSON = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "userAgent": "test", "sourceIPs": ["127.0.0.1"]}
COMPLETE: JSON = {"omitStages": ["RequestReceived"]}
MERGE = "application/merge-patch+json"


@dataclass
class Caller:
    """Somebody with a client certificate, and what the log says of their requests."""

    front: Running
    log: Log
    pair: Pair | None = None

    async def ask(self, line: str, body: Any = None, **headers: str) -> Response:
        method, _, url = line.partition(" ")
        path, _, query = url.partition("?")
        given = {"content-type": "application/json", "user-agent": "test", **headers}
        transport = self.front.transport(self.pair)
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = await transport.request(Request(method, path, query, given, data))
        await transport.close()
        return answer

    async def recorded(self, line: str, body: Any = None, **headers: str) -> list[JSON]:
        """The events of a request, by its audit id."""
        answer = await self.ask(line, body, **headers)
        return [plain(event) for event in self.log.events(auditID=answer.headers["audit-id"])]


def caller(front: Running, name: str, *groups: str) -> Caller:
    return Caller(front, Log(front.directory / "audit.log"), front.authority.issue(name, *groups))


def admin_of(front: Running) -> Caller:
    return caller(front, "kubernetes-admin", "system:masters")


def event(verb: str, uri: str, level: str = "Metadata", stage: str = "ResponseComplete", **rest: Any) -> JSON:
    status = {"metadata": {}, "code": rest.pop("code", 200)}
    known = {"user": ADMIN, "responseStatus": status, "annotations": ALLOWED}
    return {**HEAD, "level": level, "stage": stage, "requestURI": uri, "verb": verb, **known, **rest}


def reference(resource: str, name: str = "", **rest: str) -> JSON:
    found = {"resource": resource, "namespace": "default", "name": name, "apiVersion": "v1", **rest}
    return {field: value for field, value in found.items() if value}


@pytest.fixture
async def recorded(tmp_path: Path) -> AsyncIterator[Running]:
    """A front that records everything, as fully as can be, when it is complete."""
    async with audited(tmp_path, {"level": "RequestResponse"}, **COMPLETE) as front:
        yield front


async def test_metadata_of_a_secret(tmp_path: Path) -> None:
    rules = {"level": "Metadata", "resources": [{"resources": ["secrets"]}]}
    async with audited(tmp_path, rules) as front:
        admin = admin_of(front)
        body = {"metadata": {"name": "s"}, "stringData": {"password": "hunter2"}}
        received, complete = await admin.recorded(f"POST {SECRETS}", body)
        first = event("create", SECRETS, stage="RequestReceived", objectRef=reference("secrets"))
        del first["responseStatus"], first["annotations"]
        assert received == first
        assert complete == event("create", SECRETS, objectRef=reference("secrets", "s"), code=201)
        assert len(await admin.recorded(f"GET {SECRETS}/s")) == 2
        assert await admin.recorded(f"GET {PODS}") == []  # no rule is about it
        assert "hunter2" not in admin.log.path.read_text()
        stamped = admin.log.events(verb="create")
        assert stamped[0]["requestReceivedTimestamp"] == stamped[0]["stageTimestamp"] < stamped[1]["stageTimestamp"]
        assert front.registry.metrics.render().count(b'apiserver_audit_level_total{level="Metadata"} 2\n') == 1
        assert b"apiserver_audit_event_total 4\n" in front.registry.metrics.render()


async def test_a_request_is_recorded_before_it_is_answered(tmp_path: Path) -> None:
    async with audited(tmp_path, {"level": "Metadata"}) as front:
        admin = admin_of(front)
        found = [len(await admin.recorded(f"GET {NS}")) for _ in range(20)]
        assert found == [2] * 20


async def test_what_is_sent_and_answered(recorded: Running) -> None:
    admin = admin_of(recorded)
    body = {"metadata": {"name": "c", "labels": {"a": "b"}}, "data": {"k": "1"}}
    (created,) = await admin.recorded(f"POST {MAPS}", body)
    sent = {"kind": "ConfigMap", "apiVersion": "v1", **body}
    stored = json.loads((await admin.ask(f"GET {MAPS}/c")).body)
    known: JSON = {"level": "RequestResponse", "objectRef": reference("configmaps", "c")}
    assert created == event("create", MAPS, **known, code=201, requestObject=sent, responseObject=stored)

    (got,) = await admin.recorded(f"GET {MAPS}/c")
    assert got == event("get", f"{MAPS}/c", **known, responseObject=stored)

    (patched,) = await admin.recorded(f"PATCH {MAPS}/c", {"data": {"k": "2"}}, **{"content-type": MERGE})
    changed = json.loads((await admin.ask(f"GET {MAPS}/c")).body)
    change: JSON = {"requestObject": {"data": {"k": "2"}}, "responseObject": changed}
    assert patched == event("patch", f"{MAPS}/c", **known, **change)

    version, uid = changed["metadata"]["resourceVersion"], changed["metadata"]["uid"]
    (put,) = await admin.recorded(f"PUT {MAPS}/c", changed)
    named: JSON = {
        "level": "RequestResponse",
        "objectRef": reference("configmaps", "c", uid=uid, resourceVersion=version),
    }
    assert put == event("update", f"{MAPS}/c", **named, requestObject=changed, responseObject=changed)

    (listed,) = await admin.recorded(f"GET {MAPS}?labelSelector=a%3Db", accept="application/yaml")
    assert listed["requestURI"] == f"{MAPS}?labelSelector=a%3Db"
    assert listed["responseObject"] == json.loads((await admin.ask(f"GET {MAPS}?labelSelector=a%3Db")).body)

    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
    (deleted,) = await admin.recorded(f"DELETE {MAPS}/c", options)
    details = {"name": "c", "kind": "configmaps", "uid": uid}
    success = {"metadata": {}, "status": "Success", "details": details}
    assert deleted == event(
        "delete",
        f"{MAPS}/c",
        **known,
        responseStatus={**success, "code": 200},
        requestObject=options,
        responseObject={"kind": "Status", "apiVersion": "v1", **success},
    )


async def test_the_body_is_shown_with_its_defaults(recorded: Running) -> None:
    spec = {"containers": [{"name": "c", "image": "x"}]}
    (created,) = await admin_of(recorded).recorded(f"POST {PODS}?dryRun=All", {"metadata": {"name": "p"}, "spec": spec})
    assert created["requestURI"] == f"{PODS}?dryRun=All"
    assert created["requestObject"]["spec"]["restartPolicy"] == "Always"
    assert "serviceAccountName" not in created["requestObject"]["spec"]  # which admission adds
    assert created["responseObject"]["spec"]["serviceAccountName"] == "default"


async def test_protobuf_is_shown_as_json(recorded: Running) -> None:
    accept = {"accept": "application/vnd.kubernetes.protobuf"}
    (got,) = await admin_of(recorded).recorded(f"GET {NS}", **accept)
    assert (got["responseObject"]["kind"], got["responseObject"]["metadata"]["name"]) == ("Namespace", "default")
    (missing,) = await admin_of(recorded).recorded(f"GET {PODS}/none", **accept)
    assert missing["responseStatus"]["message"] == 'pods "none" not found'


async def test_documents_are_no_objects(recorded: Running) -> None:
    admin = admin_of(recorded)
    for path in ("/version", "/healthz", "/openapi/v2", "/nowhere"):
        (found,) = await admin.recorded(f"GET {path}")
        code = 404 if path == "/nowhere" else 200
        assert found == event("get", path, "RequestResponse", code=code)


async def test_managed_fields_are_left_out(tmp_path: Path) -> None:
    rules = (
        {"level": "RequestResponse", "verbs": ["update"], "omitManagedFields": False},
        {"level": "RequestResponse"},
    )
    async with audited(tmp_path, *rules, omitManagedFields=True, **COMPLETE) as front:
        admin = admin_of(front)
        (created,) = await admin.recorded(f"POST {MAPS}", {"metadata": {"name": "c"}, "data": {"k": "1"}})
        whole = json.loads((await admin.ask(f"GET {MAPS}/c")).body)
        bare = {**whole, "metadata": {k: v for k, v in whole["metadata"].items() if k != "managedFields"}}
        assert created["responseObject"] == bare
        (listed,) = await admin.recorded(f"GET {MAPS}?fieldSelector=metadata.name%3Dc")
        items = [{k: v for k, v in bare.items() if k not in ("kind", "apiVersion")}]
        shown = [
            {k: v for k, v in i.items() if k not in ("kind", "apiVersion")} for i in listed["responseObject"]["items"]
        ]
        assert shown == items
        accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
        (table,) = await admin.recorded(f"GET {MAPS}/c?includeObject=Object", accept=accept)
        assert [row["object"] for row in table["responseObject"]["rows"]] == [bare]
        (put,) = await admin.recorded(f"PUT {MAPS}/c", whole)
        assert put["requestObject"] == put["responseObject"] == whole


async def test_who_is_refused(recorded: Running) -> None:
    bob = caller(recorded, "bob")
    (refused,) = await bob.recorded(f"DELETE {SECRETS}/s")
    why = 'User "bob" cannot delete resource "secrets" in API group "" in the namespace "default"'
    told = {"message": f'secrets "s" is forbidden: {why}', "reason": "Forbidden"}
    status = {"metadata": {}, "status": "Failure", **told, "details": {"name": "s", "kind": "secrets"}, "code": 403}
    assert refused == event(
        "delete",
        f"{SECRETS}/s",
        "RequestResponse",
        user=BOB,
        objectRef=reference("secrets", "s"),
        responseStatus=status,
        responseObject={"kind": "Status", "apiVersion": "v1", **status},
        annotations={"authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": ""},
    )


async def test_who_is_not_believed(tmp_path: Path) -> None:
    async with audited(tmp_path, {"level": "Metadata"}) as front:
        nobody = Caller(front, Log(tmp_path / "audit.log"))
        (refused,) = await nobody.recorded(f"GET {PODS}", authorization="Bearer nonsense")
        told = {"status": "Failure", "message": "Unauthorized", "reason": "Unauthorized", "code": 401}
        wanted = event("list", PODS, stage="ResponseStarted", objectRef=reference("pods"), user={})
        del wanted["annotations"]
        assert refused == {**wanted, "responseStatus": {"metadata": {}, **told}}
        assert "nonsense" not in nobody.log.path.read_text()


async def test_who_is_somebody_else(recorded: Running) -> None:
    admin = admin_of(recorded)
    await role(recorded, "reader", "get: configmaps")
    await bind(recorded, "ClusterRole", "reader", "User:bob")
    given = {"impersonate-user": "bob", "impersonate-group": "devs"}
    (found,) = await admin.recorded(f"GET {MAPS}/none", **given)
    assert found["user"] == ADMIN
    assert found["impersonatedUser"] == {"username": "bob", "groups": ["devs", "system:authenticated"]}
    of = '"reader" of ClusterRole'
    assert found["annotations"] == {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": f'RBAC: allowed by ClusterRoleBinding {of} "reader" to User "bob"',
    }
    (refused,) = await caller(recorded, "bob").recorded(f"GET {MAPS}", **{"impersonate-user": "alice"})
    assert "impersonatedUser" not in refused
    assert refused["responseStatus"]["code"] == 403


async def test_where_it_comes_from_and_by_which_name(recorded: Running) -> None:
    given = {"x-forwarded-for": "1.2.3.4, junk", "x-real-ip": "5.6.7.8", "audit-id": "mine", "user-agent": "a" * 1030}
    (found,) = await admin_of(recorded).recorded(f"GET {NS}", **given)
    assert found["sourceIPs"] == ["1.2.3.4", "5.6.7.8", "127.0.0.1"]
    assert found["userAgent"] == "a" * 1024 + "...TRUNCATED"
    assert len(admin_of(recorded).log.events(auditID="mine")) == 1


async def test_a_watch(tmp_path: Path) -> None:
    async with audited(tmp_path, {"level": "RequestResponse", "resources": [{"resources": ["configmaps"]}]}) as front:
        admin, url = admin_of(front), f"{MAPS}?watch=true"
        transport = front.transport(admin.pair)
        watching = await transport.stream(Request("GET", MAPS, "watch=true", {"user-agent": "test"}))
        known: JSON = {"level": "RequestResponse", "objectRef": reference("configmaps")}
        begun = [plain(found) for found in admin.log.events(stage="ResponseStarted")]
        assert begun == [event("watch", url, stage="ResponseStarted", **known)]
        assert admin.log.events(stage="ResponseComplete") == []
        await watching.close()
        (ended,) = await admin.log.eventually(1, stage="ResponseComplete")
        assert plain(ended) == event("watch", url, **known)
        await transport.close()


async def test_exec(tmp_path: Path) -> None:
    async def echo(duplex: Duplex) -> None:
        await duplex.write(await duplex.read())
        await duplex.close()

    rules = {"level": "Request", "resources": [{"resources": ["pods/exec"]}]}
    async with audited(tmp_path, rules, **COMPLETE) as front:
        await front.running_pod("web", "c")
        front.kubelet.answer = Upgrade(echo, {"upgrade": "SPDY/3.1", "connection": "Upgrade"})
        admin, path, query = admin_of(front), f"{PODS}/web/exec", "command=ls&stdout=true"
        transport = front.transport(admin.pair)
        headers = {"upgrade": "SPDY/3.1", "connection": "Upgrade", "user-agent": "test"}
        _, duplex = await transport.upgrade(Request("POST", path, query, headers))
        assert duplex
        known: JSON = {"level": "Request", "objectRef": reference("pods", "web", subresource="exec"), "code": 101}
        begun = [plain(found) for found in admin.log.events()]
        assert begun == [event("create", f"{path}?{query}", stage="ResponseStarted", **known)]
        await duplex.write(b"hello")
        await duplex.close()
        _, ended = await admin.log.eventually(2)
        assert plain(ended) == event("create", f"{path}?{query}", **known)
        await transport.close()
        refused = await caller(front, "bob").recorded(f"POST {path}?{query}")
        assert [(found["stage"], found["responseStatus"]["code"]) for found in refused] == [
            ("ResponseStarted", 403),
            ("ResponseComplete", 403),
        ]


async def test_pod_security(recorded: Running) -> None:
    admin = admin_of(recorded)
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("audit", "warn")}
    enforce = {"pod-security.kubernetes.io/enforce": "baseline"}
    await recorded.send("PATCH", NS, {"metadata": {"labels": {**labels, **enforce}}})
    pod: JSON = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    (created,) = await admin.recorded(f"POST {PODS}", pod)
    policy = {"pod-security.kubernetes.io/enforce-policy": "baseline:latest"}
    violations = created["annotations"].pop("pod-security.kubernetes.io/audit-violations")
    assert violations.startswith('would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false')
    assert created["annotations"] == {**ALLOWED, **policy}
    pod["spec"]["hostNetwork"] = True
    (refused,) = await admin.recorded(f"POST {PODS}", pod)
    assert (refused["responseStatus"]["code"], refused["annotations"]) == (403, {**ALLOWED, **policy})


async def test_deprecated_versions(recorded: Running) -> None:
    (found,) = await admin_of(recorded).recorded("GET /apis/batch/v1beta1/cronjobs")
    assert found["annotations"] == {**ALLOWED, "k8s.io/deprecated": "true", "k8s.io/removed-release": "1.25"}


async def test_webhooks_of_admission(recorded: Running, tmp_path: Path) -> None:
    patch = [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]

    def reply(review: JSON) -> JSON:
        found = {"uid": review["request"]["uid"], "allowed": True, "auditAnnotations": {"seen": "yes"}}
        if review["request"]["operation"] == "CREATE":
            found |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
        return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": found}

    async with hook(recorded.authority, reply) as server:
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
        common = {"rules": [rule], "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": "Ignore"}
        webhook = {"name": "w.example.com", "clientConfig": server.config(), **common}
        gone = {"name": "gone.example.com", "clientConfig": {"url": "https://127.0.0.1:1/"}, **common}
        path = "/apis/admissionregistration.k8s.io/v1"
        await recorded.post(
            f"{path}/mutatingwebhookconfigurations", {"metadata": {"name": "m"}, "webhooks": [webhook, gone]}
        )
        await recorded.post(f"{path}/validatingwebhookconfigurations", {"metadata": {"name": "v"}, "webhooks": [gone]})
        (created,) = await admin_of(recorded).recorded(f"POST {MAPS}", {"metadata": {"name": "c"}})
    who = {"configuration": "m", "webhook": "w.example.com"}
    told = dict(created["annotations"])
    mutated = json.loads(told.pop("mutation.webhook.admission.k8s.io/round_0_index_0"))
    patched = json.loads(told.pop("patch.webhook.admission.k8s.io/round_0_index_0"))
    assert (mutated, patched) == ({**who, "mutated": True}, {**who, "patch": patch, "patchType": "JSONPatch"})
    rounds = {name: value for name, value in told.items() if "round_1" not in name}
    assert rounds == {
        **ALLOWED,
        "w.example.com/seen": "yes",
        "failed-open.mutating.webhook.admission.k8s.io/round_0_index_1": "gone.example.com",
        "failed-open.validating.webhook.admission.k8s.io/round_0_index_0": "gone.example.com",
    }


async def test_aggregated_apis(recorded: Running) -> None:
    async with backend(recorded.authority) as wardle:
        await recorded.post("/api/v1/namespaces/default/services", wardle.service())
        await recorded.post("/apis/apiregistration.k8s.io/v1/apiservices", wardle.registration())
        admin, url = admin_of(recorded), f"{PATH}/flunders"
        async with asyncio.timeout(10):
            while (answer := await admin.ask(f"GET {url}")).status != 200:
                await asyncio.sleep(0.05)
        (found,) = await admin.log.eventually(1, auditID=answer.headers["audit-id"])
        about = {"resource": "flunders", "apiGroup": "wardle.example.com", "apiVersion": "v1alpha1"}
        assert plain(found) == event("list", url, "RequestResponse", objectRef=about)
        assert wardle.requests(url)[-1].headers["audit-id"] == found["auditID"]


async def test_slow_requests_say_where_the_time_went(recorded: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = recorded.registry.store.commit

    async def slow(writes: Any) -> int:
        await asyncio.sleep(0.55)
        return await commit(writes)

    monkeypatch.setattr(recorded.registry.store, "commit", slow)
    admin = admin_of(recorded)
    answer = await admin.ask(f"POST {MAPS}", {"metadata": {"name": "c"}})
    (created,) = admin.log.events(auditID=answer.headers["audit-id"])
    monkeypatch.undo()
    layers = {name.removeprefix("apiserver.latency.k8s.io/"): value for name, value in created["annotations"].items()}
    spent = {name: parse_duration(layers[name]) for name in ("etcd", "total")}
    assert 0.55 <= spent["etcd"] < spent["total"]


async def test_requests_within_the_process(recorded: Running) -> None:
    log = Log(recorded.directory / "audit.log")
    controller = InProcessTransport(recorded.application, User("system:controller", groups=("system:masters",)))
    answer = await controller.request(Request("GET", NS, "", {"user-agent": "test"}))
    (found,) = log.events(auditID=answer.headers["audit-id"])
    user = {"username": "system:controller", "groups": ["system:masters"]}
    stored = json.loads(answer.body)
    about = {"resource": "namespaces", "namespace": "default", "name": "default", "apiVersion": "v1"}
    assert plain(found) == event("get", NS, "RequestResponse", user=user, objectRef=about, responseObject=stored)


async def test_what_nobody_expected(recorded: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(recorded.registry, "synced", broken)
    (found,) = await admin_of(recorded).recorded(f"GET {MAPS}")
    monkeypatch.undo()
    told = {"status": "Failure", "message": "APIServer panic'd: no such luck", "reason": "InternalError", "code": 500}
    known = {"responseStatus": {"metadata": {}, **told}, "objectRef": reference("configmaps")}
    assert found == event("list", MAPS, "RequestResponse", stage="Panic", **known)


@pytest.mark.parametrize(("mode", "code"), [("blocking", 200), ("blocking-strict", 500)])
async def test_a_full_disk(tmp_path: Path, mode: str, code: int) -> None:
    flags = {"audit_log_path": "/dev/full", "audit_log_mode": mode}
    rules = {"level": "Metadata", "users": ["kubernetes-admin"]}
    async with audited(tmp_path, rules, flags=flags) as front:
        answer = await admin_of(front).ask(f"GET {NS}")
        figures = front.registry.metrics.render()
    refused = f'Internal Server Error: "{NS}": failed to store audit event\n'.encode()
    assert answer.status == code
    assert code == 200 or answer.body == refused
    lost, rejected = (1, 1) if code == 500 else (2, 0)
    assert b'apiserver_audit_error_total{plugin="log"} %d\n' % lost in figures
    assert b"apiserver_audit_requests_rejected_total %d\n" % rejected in figures


@pytest.mark.parametrize("binary", [installed()[0], installed()[-1]], ids=lambda binary: binary.name)
async def test_a_day_with_kubectl(tmp_path: Path, binary: Path) -> None:
    rules = (
        {"level": "Metadata", "resources": [{"resources": ["secrets"]}]},
        {"level": "RequestResponse", "resources": [{"resources": ["configmaps", "pods", "pods/*"]}]},
    )
    async with audited(tmp_path, *rules, omitManagedFields=True, **COMPLETE) as front:
        await front.running_pod("web", "c")
        front.kubelet.answer = Response(200, {"content-type": "text/plain"}, b"said\n")
        admin = admin_of(front)
        assert admin.pair
        kubectl, log = front.kubectl(binary, admin.pair), admin.log
        seen = len(log.events())
        for line in (
            "create configmap c --from-literal=a=b",
            "get configmap c",
            "label configmap c a=b",
            "create secret generic s --from-literal=password=hunter2",
            "logs web",
            "get pods --as=bob",
            "exec web -- ls",
            "delete configmap c --wait=false",
        ):
            await asyncio.to_thread(kubectl.run, *line.split())
        front.kubelet.answer = Response(200)
        events = log.events()[seen:]
    told = [
        (found["stage"], found["verb"], found["objectRef"], found["responseStatus"]["code"])
        for found in events
        if found["verb"] != "get" or found["objectRef"]["resource"] != "pods" or "subresource" in found["objectRef"]
    ]
    done, config, pods = "ResponseComplete", reference("configmaps", "c"), reference("pods")
    logs, running = reference("pods", "web", subresource="log"), reference("pods", "web", subresource="exec")
    wanted = [
        (done, "create", config, 201),
        (done, "get", config, 200),
        (done, "get", config, 200),
        (done, "patch", config, 200),
        (done, "create", reference("secrets", "s"), 201),
        ("ResponseStarted", "get", logs, 200),
        (done, "get", logs, 200),
        (done, "list", pods, 403),
    ]
    assert told[: len(wanted)] == wanted
    assert told[-1] == (done, "delete", config, 200)
    assert {verb for _, verb, about, _ in told if about == running} <= {"get", "create"}
    assert {about["resource"] for _, _, about, _ in told[len(wanted) : -1]} == {"pods"}
    text = log.path.read_text()
    assert "hunter2" not in text
    assert base64.b64encode(b"hunter2").decode() not in text
    assert "managedFields" not in text
    (table,) = [found["responseObject"] for found in events if found["verb"] == "get" and "Table" in str(found)]
    assert [row["cells"][0] for row in table["rows"]] == ["c"]
    (listed,) = [found for found in events if found["verb"] == "list"]
    assert listed["impersonatedUser"] == {"username": "bob", "groups": ["system:authenticated"]}


async def test_too_many_requests(recorded: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any) -> bool:
        return False

    monkeypatch.setattr(FlowControl, "turn", never)
    monkeypatch.setattr(Passage, "runs", False)
    (found,) = await admin_of(recorded).recorded(f"GET {MAPS}")
    monkeypatch.undo()
    wanted = event("list", MAPS, "RequestResponse", objectRef=reference("configmaps"), code=429)
    del wanted["annotations"]
    assert found == wanted


async def test_bodies_that_are_too_large(recorded: Running) -> None:
    (found,) = await admin_of(recorded).recorded(f"POST {MAPS}", b"x" * (BODY_LIMIT + 1))
    told = {"message": f"Request entity too large: limit is {BODY_LIMIT}", "reason": "RequestEntityTooLarge"}
    assert found["responseStatus"] == {"metadata": {}, "status": "Failure", **told, "code": 413}
    assert found["user"] == ADMIN
