"""The flow schemas and priority levels that every cluster has, as upstream ships them, and how they are kept.

The mandatory ones are always as they are here; the suggested ones as long as their annotation says so.
https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#defaults
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.kind import JSON

AUTOUPDATE = "apf.kubernetes.io/autoupdate-spec"
GROUP = "flowcontrol.apiserver.k8s.io"
PLURAL = {"FlowSchema": "flowschemas", "PriorityLevelConfiguration": "prioritylevelconfigurations"}
DANGLING = "Dangling"
_VERSION = f"{GROUP}/v1"
_ALL = ["*"]
CATCH_ALL = "catch-all"
_MANDATORY = frozenset({"exempt", CATCH_ALL})
_USER, _NAMESPACE = "ByUser", "ByNamespace"


def mandatory() -> tuple[list[JSON], list[JSON]]:
    """The schemas and levels without which nothing works."""
    return ([s for s in SCHEMAS if is_mandatory(s)], [level for level in LEVELS if is_mandatory(level)])


def is_mandatory(tree: JSON) -> bool:
    """Whether an object of this name is one that must be."""
    return tree["metadata"]["name"] in _MANDATORY


def mended(found: JSON, tree: JSON) -> JSON:
    """What a stored one is to be: its annotation is put right, and its spec if the annotation says so.

    Without a word, one that nobody has changed since its creation is kept.
    """
    metadata, spec = found["metadata"], _fixed(found, tree)
    annotations = metadata.get("annotations") or {}
    said, untouched = annotations.get(AUTOUPDATE), metadata.get("generation", 1) == 1
    auto = is_mandatory(tree) or said == "true" or (said != "false" and untouched)
    metadata = {**metadata, "annotations": {**annotations, AUTOUPDATE: "true" if auto else "false"}}
    if not auto or found.get("spec") == spec:
        return {**found, "metadata": metadata}
    return {**found, "spec": spec, "metadata": {**metadata, "generation": metadata.get("generation", 0) + 1}}


def is_altered(tree: JSON) -> bool:
    """Whether an object has the name of a mandatory one, and is not as it."""
    shipped = next((o for o in OBJECTS if (o["kind"], o["metadata"]["name"]) == _identity(tree)), None)
    return shipped is not None and is_mandatory(shipped) and tree.get("spec") != _fixed(tree, shipped)


def _identity(tree: JSON) -> tuple[object, object]:
    return tree.get("kind"), (tree.get("metadata") or {}).get("name")


def condition(level: str, *, exists: bool) -> JSON:
    """What is to be said of a schema that names this level."""
    text = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}"'
    if exists:
        return {"type": DANGLING, "status": "False", "reason": "Found", "message": f"{text} and it exists"}
    return {"type": DANGLING, "status": "True", "reason": "NotFound", "message": f"{text} but there is no such object"}


def _fixed(found: JSON, tree: JSON) -> JSON:
    """The spec as it ships; how much the exempt level counts and lends is the administrator's to say."""
    spec: JSON = tree["spec"]
    numbers = (found.get("spec") or {}).get("exempt")
    return {**spec, "exempt": {**spec["exempt"], **numbers}} if numbers and "exempt" in spec else spec


def _object(kind: str, name: str, spec: JSON, *conditions: JSON) -> JSON:
    status = {"conditions": [*conditions]} if conditions else {}
    metadata = {"name": name, "generation": 1, "annotations": {AUTOUPDATE: "true"}}
    return {"kind": kind, "apiVersion": _VERSION, "metadata": metadata, "spec": spec, "status": status}


def _limited(name: str, shares: int, lendable: int, queues: int = 0, hand: int = 0) -> JSON:
    queuing = {"queuing": {"queues": queues, "handSize": hand, "queueLengthLimit": 50}} if queues else {}
    response = {"type": "Queue" if queues else "Reject", **queuing}
    limited = {"nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response}
    return _object("PriorityLevelConfiguration", name, {"type": "Limited", "limited": limited})


_EXEMPT: JSON = {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}}

LEVELS: tuple[JSON, ...] = (
    _object("PriorityLevelConfiguration", "exempt", _EXEMPT),
    _limited(CATCH_ALL, 5, 0),
    _limited("system", 30, 33, queues=64, hand=6),
    _limited("node-high", 40, 25, queues=64, hand=6),
    _limited("leader-election", 10, 0, queues=16, hand=4),
    _limited("workload-high", 40, 50, queues=128, hand=6),
    _limited("workload-low", 100, 90, queues=128, hand=6),
    _limited("global-default", 20, 50, queues=128, hand=6),
)


def _groups(*names: str) -> list[JSON]:
    return [{"kind": "Group", "group": {"name": name}} for name in names]


def _users(*names: str) -> list[JSON]:
    return [{"kind": "User", "user": {"name": name}} for name in names]


def _system_accounts(*names: str) -> list[JSON]:
    return [{"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": n}} for n in names]


def _about(
    verbs: Iterable[str], group: str, *resources: str, cluster: bool = False, namespaces: Iterable[str] = _ALL
) -> JSON:
    rule = {"verbs": [*verbs], "apiGroups": [group], "resources": [*resources]}
    return {**rule, **({"clusterScope": True} if cluster else {}), "namespaces": [*namespaces]}


def _everything(subjects: list[JSON]) -> JSON:
    return {
        "subjects": subjects,
        "resourceRules": [_about(_ALL, "*", "*", cluster=True)],
        "nonResourceRules": [{"verbs": _ALL, "nonResourceURLs": _ALL}],
    }


def _schema(name: str, level: str, precedence: int, by: str, rule: JSON) -> JSON:
    method = {"distinguisherMethod": {"type": by}} if by else {}
    spec = {
        "priorityLevelConfiguration": {"name": level},
        "matchingPrecedence": precedence,
        **method,
        "rules": [rule],
    }
    return _object("FlowSchema", name, spec, condition(level, exists=True))


_MANAGER, _SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"
_TAKING = ("get", "create", "update")
_LEASES = _about(_TAKING, "coordination.k8s.io", "leases")
_OWN = [_about(_ALL, "", "nodes", "nodes/status", cluster=True), _about(_ALL, "coordination.k8s.io", "leases")]
_PROBES = {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}
_ANYBODY = _groups("system:unauthenticated", "system:authenticated")
_ENDPOINTS = [*_users(_MANAGER), *_system_accounts("endpoint-controller", "endpointslicemirroring-controller")]

SCHEMAS: tuple[JSON, ...] = (
    _schema("exempt", "exempt", 1, "", _everything(_groups("system:masters"))),
    _schema("probes", "exempt", 2, "", {"subjects": _ANYBODY, "nonResourceRules": [_PROBES]}),
    _schema(
        "system-leader-election",
        "leader-election",
        100,
        _USER,
        {"subjects": _users(_MANAGER, _SCHEDULER), "resourceRules": [_LEASES]},
    ),
    _schema(
        "endpoint-controller",
        "workload-high",
        150,
        _USER,
        {"subjects": _ENDPOINTS, "resourceRules": [_about(_TAKING, "", "endpoints")]},
    ),
    _schema(
        "workload-leader-election",
        "leader-election",
        200,
        _USER,
        {"subjects": _system_accounts("*"), "resourceRules": [_LEASES]},
    ),
    _schema(
        "system-node-high",
        "node-high",
        400,
        _USER,
        {"subjects": _groups("system:nodes"), "resourceRules": _OWN},
    ),
    _schema("system-nodes", "system", 500, _USER, _everything(_groups("system:nodes"))),
    _schema("kube-controller-manager", "workload-high", 800, _NAMESPACE, _everything(_users(_MANAGER))),
    _schema("kube-scheduler", "workload-high", 800, _NAMESPACE, _everything(_users(_SCHEDULER))),
    _schema("kube-system-service-accounts", "workload-high", 900, _NAMESPACE, _everything(_system_accounts("*"))),
    _schema("service-accounts", "workload-low", 9000, _USER, _everything(_groups("system:serviceaccounts"))),
    _schema("global-default", "global-default", 9900, _USER, _everything(_ANYBODY)),
    _schema(CATCH_ALL, CATCH_ALL, 10000, _USER, _everything(_ANYBODY)),
)

OBJECTS = (*LEVELS, *SCHEMAS)
