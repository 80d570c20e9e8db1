"""Which policies are taken, and what is said against others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from knarr.apiserver.audit.policies import Policy, Resources, Rule, decode_policy, read_policy
from knarr.apiserver.configfiles import ConfigFileError

STAGES = "RequestReceived,ResponseStarted,ResponseComplete,Panic"


def text(*rules: Any, **rest: Any) -> bytes:
    return json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules, **rest}).encode()


def test_a_policy_is_read_from_yaml() -> None:
    policy = b"""
apiVersion: audit.k8s.io/v1
kind: Policy
metadata: {name: ours}
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: Request
  users: [bob]
  userGroups: [devs]
  verbs: [get]
  namespaces: [shop]
  resources:
  - group: apps
    resources: [deployments/*]
    resourceNames: [web]
  omitStages: [Panic]
  omitManagedFields: false
- level: None
  nonResourceURLs: [/healthz*]
"""
    assert decode_policy(policy) == Policy(
        rules=(
            Rule(
                level="Request",
                users=("bob",),
                user_groups=("devs",),
                verbs=("get",),
                namespaces=("shop",),
                resources=(Resources(group="apps", resources=("deployments/*",), resource_names=("web",)),),
                omit_stages=("Panic",),
                omit_managed_fields=False,
            ),
            Rule(level="None", paths=("/healthz*",)),
        ),
        omit_stages=("RequestReceived",),
        omit_managed_fields=True,
    )


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        pytest.param(text(), "loaded illegal policy with 0 rules", id="no rules"),
        pytest.param(text({}), "rules[0].level: Required value", id="no level"),
        pytest.param(
            text({"level": "All"}),
            'rules[0].level: Unsupported value: "All": supported values: "None", "Metadata", "Request", '
            '"RequestResponse"',
            id="a level that there is not",
        ),
        pytest.param(
            text({"level": "None", "nonResourceURLs": ["x", "/a*b", "*"]}),
            "[rules[0].nonResourceURLs[0]: Invalid value: \"x\": non-resource URL rules must begin with a '/' "
            "character, rules[0].nonResourceURLs[1]: Invalid value: \"/a*b\": non-resource URL wildcards '*' must be "
            "the final character of the rule]",
            id="paths that cannot be",
        ),
        pytest.param(
            text({"level": "None", "nonResourceURLs": ["/a"], "namespaces": ["b"]}),
            'rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and '
            "non-resource URLs",
            id="paths and namespaces",
        ),
        pytest.param(
            text({"level": "None", "resources": [{"resourceNames": ["a"]}]}),
            'rules[0].resources.resourceNames: Invalid value: ["a"]: using resourceNames requires at least one '
            "resource",
            id="names without resources",
        ),
        pytest.param(
            text({"level": "None", "omitStages": ["Start"]}),
            f'rules[0].omitStages[0]: Invalid value: "Start": allowed stages are {STAGES}',
            id="a stage that there is not",
        ),
        pytest.param(
            text({"level": "None"}, omitStages=["End"]),
            f'omitStages[0]: Invalid value: "End": allowed stages are {STAGES}',
            id="such a stage of the whole",
        ),
        pytest.param(
            text({"level": "None", "user": ["bob"]}),
            'failed decoding: strict decoding error: unknown field "rules[0].user"',
            id="an unknown field",
        ),
        pytest.param(
            b"kind: Policy\napiVersion: audit.k8s.io/v1beta1\nrules: []",
            "failed decoding: audit.k8s.io/v1beta1, Kind=Policy is not audit.k8s.io/v1, Kind=Policy",
            id="another version",
        ),
        pytest.param(b"rules: [{level: None}]", "failed decoding: Object 'Kind' is missing", id="no kind"),
        pytest.param(b"", "failed decoding: the file holds no Policy", id="nothing"),
    ],
)
def test_a_bad_policy_is_refused(policy: bytes, message: str) -> None:
    with pytest.raises(ConfigFileError) as refused:
        decode_policy(policy)
    assert str(refused.value) == message


def test_a_group_is_no_version() -> None:
    with pytest.raises(ConfigFileError, match=r'^rules\[0\]\.resources\.group: Invalid value: "rbac/v1": a lowercase'):
        decode_policy(text({"level": "None", "resources": [{"group": "rbac/v1"}]}))


def test_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    with pytest.raises(ConfigFileError) as missing:
        read_policy(file)
    assert str(missing.value) == f'failed to read file path "{file}": No such file or directory'
    file.write_bytes(text())
    with pytest.raises(ConfigFileError) as refused:
        read_policy(file)
    assert str(refused.value) == f"loaded illegal policy with 0 rules: from file {file}"
