"""Warnings about a policy's expressions, from the schemas of what the policy is about."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.api.typechecking import needs_definitions, warnings

JSON = dict[str, Any]
DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["deployments"]}
THINGS = {"apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["things"]}
DEFINITION = {
    "spec": {
        "group": "example.com",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [
            {
                "name": "v1",
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
                    }
                },
            }
        ],
    }
}


def policy(*expressions: str, rule: JSON = DEPLOYMENTS, **spec: Any) -> JSON:
    validations = [{"expression": expression} for expression in expressions]
    return {"matchConstraints": {"resourceRules": [rule]}, "validations": validations, **spec}


def warning(index: int, name: str, column: int, message: str, expression: str) -> JSON:
    text = f"{name}: ERROR: <input>:1:{column}: {message}\n | {expression}\n | {'.' * (column - 1)}^\n"
    return {"fieldRef": f"spec.validations[{index}].expression", "warning": text}


def test_what_a_deployment_has_not() -> None:
    good, bad = "object.spec.replicas <= 5", "object.spec.replicas > '1'"
    message = "found no matching overload for '_>_' applied to '(int, string)'"
    assert warnings(policy(good, bad), []) == [warning(1, "apps/v1, Kind=Deployment", 22, message, bad)]


@pytest.mark.parametrize(
    "expression",
    [
        "object.spec.template.spec.containers.all(c, c.image.startsWith('x') && c.resources.limits['cpu'] == '1')",
        "object.metadata.labels['a'] == 'b' && object.metadata.creationTimestamp < timestamp('2030-01-01T00:00:00Z')",
        "object.spec.strategy.rollingUpdate.maxSurge == '10%' || object.spec.strategy.rollingUpdate.maxSurge == 1",
        "oldObject.status.replicas > 1 && request.userInfo.username == 'a' && namespaceObject.metadata.name == 'b'",
        "!has(object.spec.paused) || authorizer.requestResource.check('x').allowed()",
    ],
)
def test_what_a_deployment_has(expression: str) -> None:
    assert warnings(policy(expression), []) == []


def test_custom_resources() -> None:
    bad = "object.spec.sizes > 1"
    spec = policy("object.spec.size > 1 && object.metadata.name == 'a'", bad, rule=THINGS)
    assert needs_definitions(spec)
    found = warnings(spec, [DEFINITION])
    assert found == [warning(1, "example.com/v1, Kind=Thing", 12, "undefined field 'sizes'", bad)]


def test_variables_and_parameters_have_types() -> None:
    spec = policy(
        "variables.n == params.data.n",
        variables=[{"name": "n", "expression": "object.spec.replicas"}],
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
    )
    message = "found no matching overload for '_==_' applied to '(int, string)'"
    expected = warning(0, "apps/v1, Kind=Deployment", 13, message, "variables.n == params.data.n")
    assert warnings(spec, []) == [expected]
    assert not needs_definitions(spec)


@pytest.mark.parametrize("wild", [{"apiGroups": ["*"]}, {"apiVersions": ["*"]}, {"resources": ["*"]}])
def test_wildcards_are_not_checked(wild: JSON) -> None:
    assert warnings(policy("object.nothing", rule={**DEPLOYMENTS, **wild}), []) == []


def test_recursive_definitions() -> None:
    rule = {**THINGS, "apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"]}
    bad = "object.spec.versions[0].schema.openAPIV3Schema.properties['a'].properties['b'].nope == 1"
    assert "undefined field 'nope'" in warnings(policy(bad, rule=rule), [])[0]["warning"]
