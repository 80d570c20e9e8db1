"""Objects that a server refuses, with the causes that it names; nothing is stored."""

from __future__ import annotations

import pytest

from tests.api.refusals import JSON, Sender, config_map, container, deployment, pod, service

NEAR = {"matchExpressions": [{"key": "a", "operator": "Near"}]}
JOB_TEMPLATE = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}

INVALID = [
    ("pods", "", pod(containers=[]), [("FieldValueRequired", "spec.containers", "Required value")]),
    ("pods", "", {"metadata": {"name": "p"}}, [("FieldValueRequired", "spec.containers", "Required value")]),
    (
        "pods",
        "",
        container(image=""),
        [("FieldValueRequired", "spec.containers[0].image", "Required value")],
    ),
    (
        "pods",
        "",
        pod(restartPolicy="Sometimes"),
        [
            (
                "FieldValueNotSupported",
                "spec.restartPolicy",
                'Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
            )
        ],
    ),
    (
        "pods",
        "",
        container(ports=[{"containerPort": 70000}]),
        [
            (
                "FieldValueInvalid",
                "spec.containers[0].ports[0].containerPort",
                "Invalid value: 70000: must be between 1 and 65535, inclusive",
            )
        ],
    ),
    (
        "pods",
        "",
        container(volumeMounts=[{"name": "nowhere", "mountPath": "/x"}]),
        [("FieldValueNotFound", "spec.containers[0].volumeMounts[0].name", 'Not found: "nowhere"')],
    ),
    (
        "pods",
        "",
        pod(containers=[{"name": "c", "image": "i"}, {"name": "c", "image": "i"}]),
        [("FieldValueDuplicate", "spec.containers[1].name", 'Duplicate value: "c"')],
    ),
    (
        "pods",
        "",
        container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
        [
            (
                "FieldValueInvalid",
                "spec.containers[0].resources.requests",
                'Invalid value: "2": must be less than or equal to cpu limit of 1',
            )
        ],
    ),
    (
        "configmaps",
        "",
        config_map(metadata={"name": "Not_A_Name"}),
        [
            (
                "FieldValueInvalid",
                "metadata.name",
                'Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric '
                "characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', "
                "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            )
        ],
    ),
    (
        "configmaps",
        "",
        config_map(metadata={}),
        [("FieldValueRequired", "metadata.name", "Required value: name or generateName is required")],
    ),
    (
        "configmaps",
        "",
        config_map(metadata={"name": "m", "labels": {"a": "not a value"}}),
        [
            (
                "FieldValueInvalid",
                "metadata.labels",
                'Invalid value: "not a value": a valid label must be an empty string or consist of alphanumeric '
                "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  "
                "or 'my_value',  or '12345', regex used for validation is "
                "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            )
        ],
    ),
    (
        "deployments",
        "apps/v1",
        deployment(selector={"matchLabels": {"a": "c"}}),
        [
            (
                "FieldValueInvalid",
                "spec.template.metadata.labels",
                'Invalid value: {"a":"b"}: `selector` does not match template `labels`',
            )
        ],
    ),
    (
        "services",
        "",
        service(ports=[{"port": 80, "nodePort": 30123}]),
        [
            (
                "FieldValueForbidden",
                "spec.ports[0].nodePort",
                "Forbidden: may not be used when `type` is 'ClusterIP'",
            )
        ],
    ),
    (
        "jobs",
        "batch/v1",
        {"metadata": {"name": "j"}, "spec": {"manualSelector": True, "selector": NEAR, "template": JOB_TEMPLATE}},
        [
            (
                "FieldValueInvalid",
                "spec.selector.matchExpressions[0].operator",
                'Invalid value: "Near": not a valid selector operator',
            )
        ],
    ),
    ("services", "", service(ports=[]), [("FieldValueRequired", "spec.ports", "Required value")]),
    ("services", "", {"metadata": {"name": "s"}}, [("FieldValueRequired", "spec.ports", "Required value")]),
    (
        "services",
        "",
        service(type="NodePort", ports=[{"port": 80, "nodePort": 99}]),
        [
            (
                "FieldValueInvalid",
                "spec.ports[0].nodePort",
                "Invalid value: 99: provided port is not in the valid range. The range of valid ports is 30000-32767",
            )
        ],
    ),
    (
        "services",
        "",
        service(clusterIP="192.0.2.1"),
        [
            (
                "FieldValueInvalid",
                "spec.clusterIPs",
                'Invalid value: ["192.0.2.1"]: failed to allocate IP 192.0.2.1: the provided IP (192.0.2.1) is not in '
                "the valid range. The range of valid IPs is 10.96.0.0/16",
            )
        ],
    ),
]


@pytest.mark.parametrize(
    ("resource", "group", "body", "causes"),
    INVALID,
    ids=[
        f"{resource} {causes[0][1] or causes[0][0]} {index}" for index, (resource, _, _, causes) in enumerate(INVALID)
    ],
)
def test_objects(sender: Sender, resource: str, group: str, body: JSON, causes: list[tuple[str, str, str]]) -> None:
    reply = sender.refused("POST", sender.path(resource, group), body)
    assert reply.failure[:2] == (422, "Invalid")
    assert reply.causes == causes


def test_a_message_lists_all_that_is_wrong(sender: Sender) -> None:
    reply = sender.refused("POST", sender.path("pods"), pod(restartPolicy="No", containers=[{"name": "c"}]))
    assert reply.failure[2] == (
        'Pod "p" is invalid: [spec.containers[0].image: Required value, spec.restartPolicy: Unsupported value: "No": '
        'supported values: "Always", "Never", "OnFailure"]'
    )
    assert {key: value for key, value in reply.json["details"].items() if key != "causes"} == {
        "name": "p",
        "kind": "Pod",
    }
