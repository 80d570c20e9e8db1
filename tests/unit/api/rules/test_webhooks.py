"""Webhook configurations: defaults, and what is wrong with a webhook in upstream's words."""

from __future__ import annotations

import pytest

from tests.unit.api.manifests import defaulted, faults

URL = "clientConfig: {url: 'https://a.example/x'}"
REST = "sideEffects: None, admissionReviewVersions: [v1]"
RULE = "operations: [CREATE], apiGroups: [''], apiVersions: [v1]"
NAMED = "name: a.b.c"
CONDITIONS = "matchConditions: [{name: a b, expression: ' '}, {name: a, expression: '1'}]"


def configuration(hook: str, kind: str = "Validating") -> str:
    return f"""
apiVersion: admissionregistration.k8s.io/v1
kind: {kind}WebhookConfiguration
metadata: {{name: a}}
webhooks: [{{{hook}}}]
"""


def rule(text: str) -> str:
    return configuration(f"{NAMED}, {URL}, {REST}, rules: [{{{text}}}]")


def service(text: str) -> str:
    return configuration(f"{NAMED}, clientConfig: {{service: {{{text}}}}}, {REST}")


def url(text: str) -> str:
    return configuration(f"{NAMED}, clientConfig: {{url: '{text}'}}, {REST}")


FORM = "; desired format: https://host[/path]"
CASES = {
    "fine": (rule(f"{RULE}, resources: [pods, pods/status]"), []),
    "by service": (service("namespace: a, name: b, path: /a/b"), []),
    "conditions": (
        configuration(f"{NAMED}, {URL}, {REST}, {CONDITIONS}"),
        [
            "webhooks[0].matchConditions[0].expression: Required value",
            'webhooks[0].matchConditions[0].name: Invalid value: "a b": name part must consist of alphanumeric '
            "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or "
            "'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            'webhooks[0].matchConditions[1].expression: Invalid value: "1": must evaluate to bool',
        ],
    ),
    "a short name": (
        configuration(f"name: a.b, {URL}, {REST}"),
        ['webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots'],
    ),
    "nobody to call": (
        configuration(f"{NAMED}, clientConfig: {{}}, {REST}"),
        ["webhooks[0].clientConfig: Required value: exactly one of url or service is required"],
    ),
    "side effects": (
        configuration(f"{NAMED}, {URL}, sideEffects: Some, admissionReviewVersions: [v1]"),
        ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
    ),
    "unknown review version": (
        configuration(f"{NAMED}, {URL}, sideEffects: None, admissionReviewVersions: [v2, v2]"),
        [
            'webhooks[0].admissionReviewVersions[1]: Invalid value: "v2": duplicate version',
            'webhooks[0].admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
        ],
    ),
    "half a minute at most": (
        configuration(f"{NAMED}, {URL}, {REST}, timeoutSeconds: 31"),
        ["webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"],
    ),
    "policies": (
        configuration(f"{NAMED}, {URL}, {REST}, failurePolicy: x, matchPolicy: y"),
        [
            'webhooks[0].failurePolicy: Unsupported value: "x": supported values: "Fail", "Ignore"',
            'webhooks[0].matchPolicy: Unsupported value: "y": supported values: "Equivalent", "Exact"',
        ],
    ),
    "two of a name": (
        configuration(f"{NAMED}, {URL}, {REST}}}, {{{NAMED}, {URL}, {REST}"),
        ['webhooks[1].name: Duplicate value: "a.b.c"'],
    ),
    "an empty rule": (
        rule(""),
        [f"webhooks[0].rules[0].{name}: Required value" for name in ("operations", "apiGroups", "apiVersions")]
        + ["webhooks[0].rules[0].resources: Required value"],
    ),
    "everything and more": (
        rule("operations: ['*', CREATE], apiGroups: ['*', a], apiVersions: ['*', v1], resources: ['*/*', pods]"),
        [
            'webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: '
            "if '*' is present, must not specify other operations",
            'webhooks[0].rules[0].apiGroups: Invalid value: ["*","a"]: '
            "if '*' is present, must not specify other API groups",
            'webhooks[0].rules[0].apiVersions: Invalid value: ["*","v1"]: '
            "if '*' is present, must not specify other API versions",
            'webhooks[0].rules[0].resources: Invalid value: ["*/*","pods"]: '
            "if '*/*' is present, must not specify other resources",
        ],
    ),
    "an unknown operation": (
        rule("operations: [READ], apiGroups: [''], apiVersions: [v1], resources: [pods]"),
        [
            'webhooks[0].rules[0].operations[0]: Unsupported value: "READ": '
            'supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"'
        ],
    ),
    "resources said twice": (
        rule(f"{RULE}, resources: [pods/*, pods/status]"),
        [
            'webhooks[0].rules[0].resources[1]: Invalid value: "pods/status": '
            "if 'pods/*' is present, must not specify pods/status"
        ],
    ),
    "an unknown scope": (
        rule(f"{RULE}, resources: [pods], scope: Galaxy"),
        ['webhooks[0].rules[0].scope: Unsupported value: "Galaxy": supported values: "*", "Cluster", "Namespaced"'],
    ),
    "plain HTTP": (
        url("http://a.example"),
        [f"webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme{FORM}"],
    ),
    "a URL with everything": (
        url("https://me@/x?a#b"),
        [
            f'webhooks[0].clientConfig.url: Invalid value: "": host must be specified{FORM}',
            'webhooks[0].clientConfig.url: Invalid value: "me": user information is not permitted in the URL',
            'webhooks[0].clientConfig.url: Invalid value: "b": fragments are not permitted in the URL',
            'webhooks[0].clientConfig.url: Invalid value: "a": query parameters are not permitted in the URL',
        ],
    ),
    "a service without a name": (
        service("namespace: a"),
        ["webhooks[0].clientConfig.service.name: Required value"],
    ),
    "a service's path": (
        service("namespace: a, name: b, path: a/b, port: 0"),
        [
            "webhooks[0].clientConfig.service.port: Invalid value: 0: "
            "port is not valid: must be between 1 and 65535, inclusive",
            "webhooks[0].clientConfig.service.path: Invalid value: \"a/b\": must start with a '/'",
            'webhooks[0].clientConfig.service.path: Invalid value: "a/b": segment[0] may not be empty',
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_validation(case: str) -> None:
    manifest, expected = CASES[case]
    assert faults(defaulted(manifest)) == expected


def test_defaults() -> None:
    hook = f"{NAMED}, clientConfig: {{service: {{namespace: a, name: b}}}}, {REST}, rules: [{{{RULE}, resources: [a]}}]"
    made = defaulted(configuration(hook, "Mutating"))["webhooks"][0]
    assert made["rules"][0]["scope"] == "*"
    assert made["clientConfig"]["service"]["port"] == 443
    assert {name: made[name] for name in made if name not in ("name", "clientConfig", "rules")} == {
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "timeoutSeconds": 10,
        "reinvocationPolicy": "Never",
    }
