"""Admission policies as their authors meet them: what is refused, warned of and changed, and in which words."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from knarr.apiserver.authz.table import authorizer_of
from knarr.apiserver.policies import validating
from knarr.storage.store import Write
from tests.api.certificates import Authority
from tests.api.definitions import GROUP, WIDGETS, established
from tests.api.harness import Reply, Server
from tests.api.test_custom_resources_conversion import both, convert, object_of
from tests.api.webhooks import hook

JSON = dict[str, Any]
BASE = "/apis/admissionregistration.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def rule(resources: str = "configmaps", operations: str = "CREATE,UPDATE", group: str = "", **rest: Any) -> JSON:
    return {
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "operations": operations.split(","),
        "resources": resources.split(","),
        **rest,
    }


def policy(*expressions: str | JSON, constraints: JSON | None = None, **spec: Any) -> JSON:
    validations = [{"expression": e} if isinstance(e, str) else e for e in expressions]
    constraints = constraints or {"resourceRules": [rule()]}
    return {"metadata": {"name": "p"}, "spec": {"matchConstraints": constraints, "validations": validations, **spec}}


def binding(name: str = "b", actions: str = "Deny", **spec: Any) -> JSON:
    return {"metadata": {"name": name}, "spec": {"policyName": "p", "validationActions": actions.split(","), **spec}}


async def enforce(server: Server, policy: JSON, *bindings: JSON) -> None:
    for path, body in (
        ("validatingadmissionpolicies", policy),
        *(("validatingadmissionpolicybindings", b) for b in bindings or [binding()]),
    ):
        reply = await server.post(f"{BASE}/{path}", body)
        assert reply.status == 201, reply.body


def config_map(name: str = "a", **rest: Any) -> JSON:
    return {"metadata": {"name": name}, **rest}


def message(reply: Reply) -> str:
    return str(reply.body["message"])


def denial(text: str) -> str:
    return f"configmaps \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: {text}"


async def test_a_write_that_does_not_satisfy_is_invalid(server: Server) -> None:
    await enforce(server, policy("has(object.data)"))
    refused = await server.post(MAPS, config_map())
    text = denial("failed expression: has(object.data)")
    assert refused.status == 422
    assert {k: refused.body[k] for k in ("status", "message", "reason", "details", "code")} == {
        "status": "Failure",
        "message": text,
        "reason": "Invalid",
        "details": {"name": "a", "kind": "configmaps", "causes": [{"message": text.partition("forbidden: ")[2]}]},
        "code": 422,
    }
    assert (await server.post(MAPS, config_map(data={}))).status == 422
    assert (await server.post(MAPS, config_map(data={"k": "v"}))).status == 201


@pytest.mark.parametrize(
    ("validation", "code", "text"),
    [
        pytest.param({"expression": "false", "message": "no"}, 422, "no", id="a message"),
        pytest.param(
            {"expression": "false", "message": "no", "messageExpression": "'not ' + object.metadata.name"},
            422,
            "not a",
            id="a composed message",
        ),
        pytest.param(
            {"expression": "false", "message": "no", "messageExpression": "string(object.nothing)"},
            422,
            "no",
            id="a message that cannot be composed",
        ),
        pytest.param({"expression": "false", "reason": "Forbidden"}, 403, "failed expression: false", id="forbidden"),
        pytest.param(
            {"expression": "false", "reason": "Unauthorized"}, 401, "failed expression: false", id="unauthorized"
        ),
        pytest.param(
            {"expression": "object.nothing == 1"},
            422,
            "expression 'object.nothing == 1' resulted in error: no such key: nothing",
            id="an error",
        ),
    ],
)
async def test_the_words_of_a_refusal(server: Server, validation: JSON, code: int, text: str) -> None:
    await enforce(server, policy(validation))
    refused = await server.post(MAPS, config_map())
    assert (refused.status, message(refused)) == (code, denial(text))


@pytest.mark.parametrize(
    "expression",
    [
        "request.operation == 'CREATE' && request.name == 'a' && request.namespace == 'default'",
        "request.kind.kind == 'ConfigMap' && request.resource.resource == 'configmaps' && request.resource.group == ''",
        "request.userInfo.username == 'admin' && 'system:masters' in request.userInfo.groups",
        "oldObject == null && !request.dryRun",
        "namespaceObject.metadata.name == 'default' && namespaceObject.status.phase == 'Active'",
        "object.kind == 'ConfigMap' && object.apiVersion == 'v1'",
        "variables.doubled == 'aa' && variables.name == 'a'",
        "request.options.fieldManager == 'me'",
        "!authorizer.requestResource.check('create').allowed()",
    ],
)
async def test_what_expressions_may_name(server: Server, expression: str) -> None:
    variables = [
        {"name": "name", "expression": "object.metadata.name"},
        {"name": "doubled", "expression": "variables.name + variables.name"},
        {"name": "broken", "expression": "object.nothing"},
    ]
    await enforce(server, policy(expression, variables=variables))
    reply = await server.post(MAPS, config_map(), fieldManager="me")
    assert reply.status == 201, reply.body


async def test_updates_and_deletions_show_the_old_object(server: Server) -> None:
    constraints = {"resourceRules": [rule(operations="UPDATE,DELETE")]}
    words = {
        "expression": "request.operation == 'UPDATE' ? object.data.k != oldObject.data.k : oldObject.data.k == 'w'"
    }
    await enforce(server, policy(words, constraints=constraints))
    await server.post(MAPS, config_map(data={"k": "v"}))
    assert (await server.patch(f"{MAPS}/a", {"metadata": {"labels": {"x": "y"}}})).status == 422
    assert (await server.delete(f"{MAPS}/a")).status == 422
    assert (await server.patch(f"{MAPS}/a", {"data": {"k": "w"}})).status == 200
    assert (await server.delete(f"{MAPS}/a")).status == 200


async def test_warnings_instead_of_a_refusal(server: Server) -> None:
    await enforce(server, policy({"expression": "false", "message": "no"}), binding(actions="Warn,Audit"))
    reply = await server.post(MAPS, config_map())
    assert reply.status == 201
    text = "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no"
    assert reply.headers["warning"] == f'299 - "{text}"'


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        pytest.param(
            {"matchConditions": [{"name": "c", "expression": "object.metadata.name == 'b'"}]}, 201, id="false"
        ),
        pytest.param({"matchConditions": [{"name": "c", "expression": "request.name == 'a'"}]}, 422, id="true"),
        pytest.param({"matchConditions": [{"name": "c", "expression": "object.nothing == 1"}]}, 422, id="an error"),
        pytest.param(
            {
                "matchConditions": [
                    {"name": "c", "expression": "object.nothing == 1"},
                    {"name": "d", "expression": "false"},
                ]
            },
            201,
            id="false outweighs an error",
        ),
        pytest.param(
            {"matchConditions": [{"name": "c", "expression": "object.nothing == 1"}], "failurePolicy": "Ignore"},
            201,
            id="an ignored error",
        ),
    ],
)
async def test_match_conditions(server: Server, spec: JSON, status: int) -> None:
    await enforce(server, policy("false", **spec))
    assert (await server.post(MAPS, config_map())).status == status


async def test_errors_are_ignored_where_the_policy_says_so(server: Server) -> None:
    await enforce(server, policy("object.nothing == 1", failurePolicy="Ignore"))
    assert (await server.post(MAPS, config_map())).status == 201


@pytest.mark.parametrize(
    ("resources", "status"),
    [
        pytest.param({}, 422, id="everything"),
        pytest.param({"objectSelector": {"matchLabels": {"x": "y"}}}, 422, id="its labels"),
        pytest.param({"objectSelector": {"matchLabels": {"x": "z"}}}, 201, id="other labels"),
        pytest.param({"namespaceSelector": {"matchLabels": {"x": "z"}}}, 201, id="another namespace's labels"),
        pytest.param({"resourceRules": [rule("secrets")]}, 201, id="another resource"),
        pytest.param({"resourceRules": [rule(resourceNames=["b"])]}, 201, id="another name"),
        pytest.param({"excludeResourceRules": [rule(resourceNames=["a"])]}, 201, id="excluded"),
    ],
)
async def test_bindings_narrow_what_a_policy_is_about(server: Server, resources: JSON, status: int) -> None:
    await enforce(server, policy("false"), binding(matchResources=resources))
    reply = await server.post(MAPS, {"metadata": {"name": "a", "labels": {"x": "y"}}})
    assert reply.status == status


async def test_policies_without_bindings_and_bindings_without_policies(server: Server) -> None:
    for path, body in (
        ("ies", policy("false")),
        ("ybindings", {**binding(), "spec": {**binding()["spec"], "policyName": "q"}}),
    ):
        assert (await server.post(f"{BASE}/validatingadmissionpolic{path}", body)).status == 201
    assert (await server.post(MAPS, config_map())).status == 201


async def test_policies_are_not_held_against_policies(server: Server) -> None:
    rules = [rule("*", "*", "*") | {"apiVersions": ["*"], "apiGroups": ["*"]}]
    await enforce(server, policy("false", constraints={"resourceRules": rules}))
    assert (await server.post(MAPS, config_map())).status == 422
    assert (await server.delete(f"{BASE}/validatingadmissionpolicybindings/b")).status == 200
    assert (await server.post(MAPS, config_map())).status == 201


_UNEQUAL = "failed expression: object.data.n == params.data.n"


@pytest.mark.parametrize(
    ("ref", "text"),
    [
        pytest.param(
            {"name": "limits", "namespace": "default"},
            "failed expression: object.data.n == params.data.n",
            id="by name",
        ),
        pytest.param({"selector": {}}, _UNEQUAL, id="by selector"),
        pytest.param(
            {"name": "absent"},
            "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
            id="absent",
        ),
        pytest.param({"name": "absent", "parameterNotFoundAction": "Allow"}, "", id="absent, and allowed"),
    ],
)
async def test_parameters(server: Server, ref: JSON, text: str) -> None:
    await server.post(MAPS, config_map("limits", data={"n": "1"}))
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    await enforce(
        server,
        policy("object.data.n == params.data.n", paramKind=kind),
        binding(paramRef={"parameterNotFoundAction": "Deny", **ref}),
    )
    refused = await server.post(MAPS, config_map(data={"n": "2"}))
    assert (refused.status, refused.body.get("message", "")) == ((422, denial(text)) if text else (201, ""))


async def test_parameters_of_an_unknown_kind(server: Server) -> None:
    kind = {"apiVersion": "example.com/v1", "kind": "Thing"}
    await enforce(
        server, policy("true", paramKind=kind), binding(paramRef={"name": "x", "parameterNotFoundAction": "Deny"})
    )
    text = "paramKind kind `&ParamKind{APIVersion:example.com/v1,Kind:Thing,}` not known"
    assert message(await server.post(MAPS, config_map())) == denial(f"failed to configure binding: {text}")


async def test_subresources(server: Server) -> None:
    constraints = {"resourceRules": [rule("deployments/scale", "UPDATE", "apps")]}
    await enforce(server, policy("object.spec.replicas <= 3", constraints=constraints))
    container = {"name": "c", "image": "i"}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}
    spec = {"replicas": 9, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    assert (await server.post(DEPLOYMENTS, {"metadata": {"name": "d"}, "spec": spec})).status == 201
    assert (await server.patch(f"{DEPLOYMENTS}/d/scale", {"spec": {"replicas": 4}})).status == 422
    assert (await server.patch(f"{DEPLOYMENTS}/d/scale", {"spec": {"replicas": 2}})).status == 200


async def test_a_policy_that_costs_too_much(server: Server) -> None:
    data = {f"k{index}": "v" for index in range(300)}
    await enforce(server, policy("object.data.all(a, object.data.all(b, object.data.all(c, true)))"))
    refused = message(await server.post(MAPS, config_map(data=data)))
    assert refused.endswith("resulted in error: operation cancelled: actual cost limit exceeded")


async def test_a_dear_policy_does_not_hold_up_others(server: Server) -> None:
    each = "object.data.all(a, object.data.all(b, a == a || b == b))"
    asked = "authorizer.group('').resource('pods').check('get').allowed()"
    await enforce(server, policy(f"{each} && namespaceObject.metadata.name == 'default' && {asked}"))
    data = {f"k{index}": "v" for index in range(150)}
    server.api.registry.authorizer = authorizer_of(server.api.registry)
    dear = asyncio.create_task(server.post(MAPS, config_map(data=data)))
    turns = 0
    while not dear.done():
        await asyncio.sleep(0)
        turns += 1
    assert (dear.result().status, turns > 20) == (201, True)


def mutation(expression: str, kind: str = "ApplyConfiguration") -> JSON:
    member = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}[kind]
    return {"patchType": kind, member: {"expression": expression}}


async def change(server: Server, *mutations: JSON, constraints: JSON | None = None, **spec: Any) -> None:
    constraints = constraints or {"resourceRules": [rule()]}
    whole = {"matchConstraints": constraints, "mutations": [*mutations], "reinvocationPolicy": "Never", **spec}
    body = {"metadata": {"name": "p"}, "spec": whole}
    for path, posted in (
        ("mutatingadmissionpolicies", body),
        ("mutatingadmissionpolicybindings", {"metadata": {"name": "b"}, "spec": {"policyName": "p"}}),
    ):
        reply = await server.post(f"{BASE}/{path}", posted)
        assert reply.status == 201, reply.body


@pytest.mark.parametrize(
    "mutations",
    [
        pytest.param([mutation("Object{data: {'x': 'y'}}")], id="an apply configuration"),
        pytest.param([mutation("[JSONPatch{op: 'add', path: '/data/x', value: 'y'}]", "JSONPatch")], id="a JSON patch"),
        pytest.param(
            [
                mutation("[JSONPatch{op: 'add', path: '/data/' + jsonpatch.escapeKey('x'), value: 'z'}]", "JSONPatch"),
                mutation("object.data.x == 'z' ? Object{data: {'x': 'y'}} : Object{}"),
            ],
            id="one after the other",
        ),
    ],
)
async def test_mutations(server: Server, mutations: list[JSON]) -> None:
    await change(server, *mutations)
    assert (await server.post(MAPS, config_map(data={"k": "v"}))).body["data"] == {"k": "v", "x": "y"}
    assert (await server.get(f"{MAPS}/a")).body["data"] == {"k": "v", "x": "y"}


async def test_lists_are_merged_by_their_keys_and_defaulted(server: Server) -> None:
    expression = """Object{spec: Object.spec{initContainers: [
        Object.spec.initContainers{name: 'mesh', image: 'mesh:1', restartPolicy: 'Always'}]}}"""
    await change(server, mutation(expression), constraints={"resourceRules": [rule("pods", "CREATE")]})
    await server.post("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    pod = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    found = (await server.post("/api/v1/namespaces/default/pods", pod)).body["spec"]
    (mesh,) = found["initContainers"]
    assert (mesh["name"], mesh["image"], mesh["imagePullPolicy"]) == ("mesh", "mesh:1", "IfNotPresent")
    assert [container["name"] for container in found["containers"]] == ["c"]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        pytest.param("Object{data: Object.wrong{}}", "type mismatch: unexpected type name", id="a wrong name"),
        pytest.param("Object{nothing: 1}", "error applying patch: failed to convert patch object", id="no such field"),
        pytest.param("Object{data: {'x': object.nothing}}", "resulted in error: no such key: nothing", id="an error"),
    ],
)
async def test_mutations_that_fail(server: Server, expression: str, text: str) -> None:
    await change(server, mutation(expression))
    refused = await server.post(MAPS, config_map())
    assert (refused.status, refused.body["reason"]) == (403, "Invalid")
    assert message(refused).startswith("policy 'p' with binding 'b' denied request: ")
    assert text in message(refused)


async def test_what_is_atomic_cannot_be_merged(server: Server) -> None:
    constraints = {"resourceRules": [rule("services")]}
    await change(server, mutation("Object{spec: Object.spec{selector: {'a': 'b'}}}"), constraints=constraints)
    service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    refused = message(await server.post("/api/v1/namespaces/default/services", service))
    assert refused.endswith("may not mutate atomic arrays, maps or structs: .spec.selector")


async def test_a_validating_policy_sees_what_a_mutating_one_made(server: Server) -> None:
    await change(server, mutation("Object{data: {'x': 'y'}}"))
    await enforce(server, policy("object.data.x == 'y'"))
    assert (await server.post(MAPS, config_map())).status == 201


@pytest.mark.parametrize(
    ("spec", "path", "text"),
    [
        (
            {},
            "spec.validations[0].expression",
            "compilation failed: ERROR: <input>:1:1: undeclared",
        ),
        ({"validations": [{"expression": "object.x"}]}, "spec.validations[0].expression", "must evaluate to bool"),
        (
            {"validations": [{"expression": "true", "messageExpression": "1"}]},
            "spec.validations[0].messageExpression",
            "must evaluate to string",
        ),
        (
            {"validations": [{"expression": "variables.x == 1"}], "variables": [{"name": "y", "expression": "1"}]},
            "spec.validations[0].expression",
            "undefined field 'x'",
        ),
        (
            {"validations": [{"expression": "params == null"}]},
            "spec.validations[0].expression",
            "'params'",
        ),
        ({"validations": []}, "spec.validations", "validations or auditAnnotations must contain at least one item"),
        ({"matchConstraints": {}}, "spec.matchConstraints.resourceRules", ""),
        ({"variables": [{"name": "a-b", "expression": "1"}]}, "spec.variables[0].name", "not a valid CEL identifier"),
        (
            {"paramKind": {"apiVersion": "a/b/c", "kind": "K"}},
            "spec.paramKind.apiVersion",
            "unexpected GroupVersion",
        ),
        (
            {"auditAnnotations": [{"key": "k", "valueExpression": "1"}], "validations": []},
            "spec.auditAnnotations[0].valueExpression",
            "must evaluate to one of [string null_type]",
        ),
        ({"matchConditions": [{"name": "", "expression": ""}]}, "spec.matchConditions[0].expression", "Required value"),
    ],
)
async def test_policies_that_are_refused(server: Server, spec: JSON, path: str, text: str) -> None:
    body = policy("nope")
    body["spec"].update(spec)
    refused = await server.post(f"{BASE}/validatingadmissionpolicies", body)
    assert refused.status == 422
    causes = {cause["field"]: cause["message"] for cause in refused.body["details"]["causes"]}
    assert path in causes
    assert text in causes[path]


async def test_a_table(server: Server) -> None:
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    await enforce(
        server,
        policy("true", paramKind=kind),
        binding(paramRef={"name": "x", "namespace": "n", "parameterNotFoundAction": "Allow"}),
    )
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    rows = [
        (await server.get(f"{BASE}/validatingadmissionpolic{path}", accept=accept)).body["rows"][0]["cells"][:3]
        for path in ("ies", "ybindings")
    ]
    assert rows == [["p", 1, "v1/ConfigMap"], ["b", "p", "n/x"]]


@pytest.mark.parametrize(("failure", "status"), [("Fail", 422), ("Ignore", 201)])
async def test_a_stored_policy_that_does_not_compile(server: Server, failure: str, status: int) -> None:
    await enforce(server, policy("true", failurePolicy=failure))
    entry = server.cache.get("/registry/validatingadmissionpolicies/p")
    assert entry is not None
    broken = entry.value.replace(b'"expression":"true"', b'"expression":"nope"')
    await server.api.registry.commit([Write(entry.key, broken, expected=entry.revision)])
    refused = await server.post(MAPS, config_map())
    assert refused.status == status
    words = "ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: compilation failed: "
    assert status == 201 or words in message(refused)
    assert (await server.post("/api/v1/namespaces", {"metadata": {"name": "n"}})).status == 201


async def bound(server: Server, name: str, expression: str, reinvocation: str = "Never") -> None:
    """A MutatingAdmissionPolicy of ConfigMaps with its binding."""
    constraints = {"resourceRules": [rule()]}
    spec = {
        "matchConstraints": constraints,
        "mutations": [mutation(expression)],
        "reinvocationPolicy": reinvocation,
    }
    for kind, body in (("ies", spec), ("ybindings", {"policyName": name})):
        reply = await server.post(f"{BASE}/mutatingadmissionpolic{kind}", {"metadata": {"name": name}, "spec": body})
        assert reply.status == 201, reply.body


@pytest.mark.parametrize(("reinvocation", "seen"), [("IfNeeded", "yes"), ("Never", "no")])
async def test_reinvocation(server: Server, reinvocation: str, seen: str) -> None:
    first = "Object{data: {'seen': has(object.data) && 'late' in object.data ? 'yes' : 'no'}}"
    await bound(server, "a", first, reinvocation)
    await bound(server, "b", "Object{data: {'late': 'true'}}")
    assert (await server.post(MAPS, config_map())).body["data"] == {"seen": seen, "late": "true"}


async def test_audit_annotations(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []
    settle = validating._Outcome.settle

    def watched(outcome: validating._Outcome) -> None:
        settle(outcome)
        seen.append(dict(outcome.attributes.annotations))

    monkeypatch.setattr(validating._Outcome, "settle", watched)
    annotations = [
        {"key": "name", "valueExpression": "'the name is ' + object.metadata.name"},
        {"key": "nothing", "valueExpression": "has(object.data) ? 'data' : ''"},
    ]
    failing = {"expression": "false", "message": "no"}
    await enforce(
        server, policy(failing, auditAnnotations=annotations), binding(actions="Audit"), binding("c", "Audit")
    )
    assert (await server.post(MAPS, config_map())).status == 201
    (found,) = seen
    failure = json.loads(found.pop("validation.policy.admission.k8s.io/validation_failure"))
    assert found == {"p/name": "the name is a"}
    assert failure == [
        {"message": "no", "policy": "p", "binding": "b", "expressionIndex": 0, "validationActions": ["Audit"]}
    ]


async def test_custom_resources_in_the_version_that_the_policy_names(server: Server, tmp_path: Path) -> None:
    async with hook(Authority(tmp_path), convert) as converter:
        await established(server, both(converter))
        widgets = {"resourceRules": [rule("widgets", group=GROUP, apiVersions=["v2"])]}
        await change(server, mutation("Object{spec: Object.spec{width: object.spec.width + 1}}"), constraints=widgets)
        await enforce(server, policy("object.spec.width < 5", constraints=widgets))
        made = await server.post(WIDGETS, object_of("v1", size=3))
        assert (made.status, made.body["spec"]) == (201, {"size": 4})
        refused = await server.post(WIDGETS, object_of("v1", "x", size=4))
        assert "denied request: failed expression: object.spec.width < 5" in message(refused)


async def test_checks_are_counted(server: Server) -> None:
    await change(server, mutation("Object{data: {'x': 'y'}}"))
    await enforce(server, policy("false", "object.nothing == 1"), binding(actions="Deny,Audit"))
    await server.post(MAPS, config_map())
    lines = server.api.registry.metrics.render().decode().splitlines()
    found = {line for line in lines if "admission_policy_check_total{" in line}
    counted = {
        line.replace("duration_seconds_count", "total") for line in lines if "check_duration_seconds_cou" in line
    }
    assert counted == found
    where = 'policy="p",policy_binding="b"'
    name = "apiserver_validating_admission_policy_check_total"
    assert found == {
        f'apiserver_mutating_admission_policy_check_total{{error_type="no_error",{where}}} 1',
        *(
            f'{name}{{enforcement_action="{action}",error_type="{error}",{where}}} 1'
            for action in ("deny", "audit")
            for error in ("no_error", "invalid_error")
        ),
    }


@pytest.mark.parametrize(
    ("spec", "path", "text"),
    [
        ({"mutations": []}, "spec.mutations", "mutations must contain at least one item"),
        ({"reinvocationPolicy": None}, "spec.reinvocationPolicy", "Required value"),
        ({"reinvocationPolicy": "x"}, "spec.reinvocationPolicy", 'supported values: "IfNeeded", "Never"'),
        (
            {"mutations": [{"patchType": "x"}]},
            "spec.mutations[0].patchType",
            'supported values: "ApplyConfiguration", "JSONPatch"',
        ),
        (
            {"mutations": [{"patchType": "JSONPatch"}]},
            "spec.mutations[0].jsonPatch",
            "must be specified when patchType is JSONPatch",
        ),
        (
            {"mutations": [{**mutation("Object{}"), "jsonPatch": {"expression": "[]"}}]},
            "spec.mutations[0].jsonPatch",
            "must not be specified when patchType is ApplyConfiguration",
        ),
        (
            {"mutations": [mutation("Object.spec{}")]},
            "spec.mutations[0].applyConfiguration.expression",
            "must evaluate to Object",
        ),
        (
            {"mutations": [mutation("[1]", "JSONPatch")]},
            "spec.mutations[0].jsonPatch.expression",
            "must evaluate to list(JSONPatch)",
        ),
        (
            {"mutations": [mutation("[JSONPatch{operation: 'add'}]", "JSONPatch")]},
            "spec.mutations[0].jsonPatch.expression",
            "undefined field 'operation'",
        ),
        (
            {"matchConstraints": {"resourceRules": [rule(operations="CREATE,DELETE")]}},
            "spec.matchConstraints.resourceRules.operations",
            'Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
        ),
    ],
)
async def test_mutating_policies_that_are_refused(server: Server, spec: JSON, path: str, text: str) -> None:
    constraints = {"resourceRules": [rule()]}
    sound = {"matchConstraints": constraints, "mutations": [mutation("Object{}")], "reinvocationPolicy": "Never"}
    body = {"metadata": {"name": "p"}, "spec": {**sound, **spec}}
    refused = await server.post(f"{BASE}/mutatingadmissionpolicies", body)
    assert refused.status == 422
    causes = {cause["field"]: cause["message"] for cause in refused.body["details"]["causes"]}
    assert path in causes
    assert text in causes[path]
