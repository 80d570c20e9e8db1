"""Priority and fairness: which requests a FlowSchema takes, and what a priority level gives them.

https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, log2

from knarr.api.checks import named
from knarr.api.flows import is_altered
from knarr.api.kind import JSON, Rules
from knarr.api.paths import dig, each
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported, required
from knarr.machinery.names import dns1123_label, dns1123_subdomain

_FLOW = "io.k8s.api.flowcontrol.v1"
_LOWEST_PRECEDENCE = 10_000
_MOST_QUEUES = 10_000_000
_ENTROPY = 60  # bits, of what a hash can deal
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}


def _schema(schema: JSON, path: str) -> Iterable[FieldError]:
    """Only the mandatory schema of what is never held back comes first."""
    name, precedence = dig(schema, "metadata.name", ""), dig(schema, "spec.matchingPrecedence", 0)
    if precedence == 1 and name != "exempt":
        yield invalid("spec.matchingPrecedence", 1, "only the schema named 'exempt' may have matchingPrecedence 1")
    yield from _fixed(schema)


def _fixed(tree: JSON) -> Iterable[FieldError]:
    """What a cluster cannot be without is as it ships."""
    if is_altered(tree):
        detail = f"spec of '{dig(tree, 'metadata.name')}' must equal the fixed value"
        yield invalid("spec", tree.get("spec"), detail)


def _flow(spec: JSON, path: str) -> Iterable[FieldError]:
    precedence = spec.get("matchingPrecedence", 0)
    if precedence <= 0:
        yield invalid(f"{path}.matchingPrecedence", precedence, "must be a positive value")
    elif precedence > _LOWEST_PRECEDENCE:
        detail = f"must not be greater than {_LOWEST_PRECEDENCE}"
        yield invalid(f"{path}.matchingPrecedence", precedence, detail)
    if not (level := dig(spec, "priorityLevelConfiguration.name")):
        yield required(f"{path}.priorityLevelConfiguration.name", "must reference a priority level")
    else:
        yield from named(f"{path}.priorityLevelConfiguration.name", level, dns1123_subdomain)


def _rules(rules: JSON, path: str) -> Iterable[FieldError]:
    if not each(rules, "subjects"):
        yield required(f"{path}.subjects", "subjects must contain at least one value")
    if not each(rules, "resourceRules") and not each(rules, "nonResourceRules"):
        yield required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")


def _subject(subject: JSON, path: str) -> Iterable[FieldError]:
    kind = subject.get("kind")
    if kind not in _SUBJECTS:
        yield not_supported(f"{path}.kind", kind or "", _SUBJECTS)
        return
    for other, field in _SUBJECTS.items():
        if other == kind and subject.get(field) is None:
            yield required(f"{path}.{field}", f"{field} is required when subject kind is '{kind}'")
        elif other != kind and subject.get(field) is not None:
            yield forbidden(f"{path}.{field}", f"{field} is forbidden when subject kind is not '{other}'")


def _account(account: JSON, path: str) -> Iterable[FieldError]:
    if (name := account.get("name")) and name != "*":
        yield from named(f"{path}.name", name, dns1123_subdomain)
    if namespace := account.get("namespace"):
        yield from named(f"{path}.namespace", namespace, dns1123_label)


def _resources(rule: JSON, path: str) -> Iterable[FieldError]:
    yield from _verbs(rule, path)
    for field, noun in (("apiGroups", "api group"), ("resources", "resource")):
        if not each(rule, field):
            yield required(f"{path}.{field}", f"resource rules must supply at least one {noun}")
        yield from _alone(f"{path}.{field}", each(rule, field), f"{noun}s")
    namespaces = each(rule, "namespaces")
    if not namespaces and not rule.get("clusterScope"):
        detail = "resource rules that are not cluster scoped must supply at least one namespace"
        yield required(f"{path}.namespaces", detail)
    yield from _alone(f"{path}.namespaces", namespaces, "namespaces")
    for index, namespace in enumerate(namespaces):
        if namespace != "*":
            yield from named(f"{path}.namespaces[{index}]", namespace, dns1123_label)


def _paths(rule: JSON, path: str) -> Iterable[FieldError]:
    yield from _verbs(rule, path)
    urls = each(rule, "nonResourceURLs")
    if not urls:
        yield required(f"{path}.nonResourceURLs", "non-resource rules must supply at least one non-resource URL")
    yield from _alone(f"{path}.nonResourceURLs", urls, "non-resource URLs")
    for index, url in enumerate(urls):
        if url != "*" and (problem := _url_problem(url)):
            yield invalid(f"{path}.nonResourceURLs[{index}]", url, problem)


def _url_problem(url: str) -> str:
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    if "*" in url[:-1] or (url.endswith("*") and not url.endswith("/*")):
        return "wildcard can only do suffix matching"
    return ""


def _verbs(rule: JSON, path: str) -> Iterable[FieldError]:
    verbs = each(rule, "verbs")
    if not verbs:
        yield required(f"{path}.verbs", "verbs must contain at least one value")
    yield from _alone(f"{path}.verbs", verbs, "verbs")
    for index, verb in enumerate(verbs):
        if verb not in (*_VERBS, "*", "proxy", "head", "post", "put", "options"):
            yield not_supported(f"{path}.verbs[{index}]", verb, (*_VERBS, "*"))


def _alone(path: str, values: list[str], noun: str) -> Iterable[FieldError]:
    """Who names all names nobody besides."""
    if "*" in values and len(values) > 1:
        yield invalid(path, values, f"if '*' is present, must not specify other {noun}")


def _level(level: JSON, path: str) -> Iterable[FieldError]:
    name, kind = dig(level, "metadata.name", ""), dig(level, "spec.type", "")
    if (name == "exempt") != (kind == "Exempt"):
        yield invalid("spec.type", kind, "type must be 'Exempt' if and only if `name` is 'exempt'")
    yield from _fixed(level)


def _level_spec(spec: JSON, path: str) -> Iterable[FieldError]:
    match spec.get("type"):
        case "Exempt" if spec.get("limited") is not None:
            yield forbidden(f"{path}.limited", "must be nil if the type is not Limited")
        case "Limited":
            if spec.get("exempt") is not None:
                yield forbidden(f"{path}.exempt", "must be nil if the type is Limited")
            if spec.get("limited") is None:
                yield required(f"{path}.limited", "must not be empty when type is Limited")


def _shares(level: JSON, path: str) -> Iterable[FieldError]:
    for field, detail in (
        ("nominalConcurrencyShares", "must be a non-negative integer"),
        ("borrowingLimitPercent", "if specified, must be a non-negative integer"),
    ):
        if level.get(field, 0) < 0:
            yield invalid(f"{path}.{field}", level[field], detail)


def _response(response: JSON, path: str) -> Iterable[FieldError]:
    queuing = response.get("queuing")
    if response.get("type") == "Reject" and queuing is not None:
        yield forbidden(f"{path}.queuing", "must be nil if limited.limitResponse.type is not Limited")
    elif response.get("type") == "Queue" and queuing is None:
        yield required(f"{path}.queuing", "must not be empty if limited.limitResponse.type is Limited")


def _queuing(queuing: JSON, path: str) -> Iterable[FieldError]:
    queues, hand = queuing.get("queues", 0), queuing.get("handSize", 0)
    for field in ("queueLengthLimit", "queues", "handSize"):
        if queuing.get(field, 0) <= 0:
            yield invalid(f"{path}.{field}", queuing.get(field, 0), "must be positive")
    if queues > _MOST_QUEUES:
        yield invalid(f"{path}.queues", queues, f"must not be greater than {_MOST_QUEUES}")
    elif hand > queues:
        yield invalid(f"{path}.handSize", hand, f"should not be greater than queues ({queues})")
    elif hand > 0 and _entropy(queues, hand) > _ENTROPY:
        detail = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {_ENTROPY}"
        yield invalid(f"{path}.handSize", hand, detail)


def _entropy(deck: int, hand: int) -> int:
    """Bits that dealing a hand takes: of the falling factorial, rounded up."""
    return ceil(sum(log2(deck - dealt) for dealt in range(hand)))


RULES = (
    Rules(f"{_FLOW}.PriorityLevelConfigurationReference", undemanded=("name",)),
    Rules(f"{_FLOW}.FlowSchema", validate=_schema),
    Rules(f"{_FLOW}.FlowSchemaSpec", defaults={"matchingPrecedence": 1000}, validate=_flow),
    Rules(f"{_FLOW}.FlowDistinguisherMethod", required=("type",), enums={"type": ("ByNamespace", "ByUser")}),
    Rules(f"{_FLOW}.PolicyRulesWithSubjects", validate=_rules),
    Rules(f"{_FLOW}.Subject", validate=_subject),
    Rules(f"{_FLOW}.ServiceAccountSubject", required=("name", "namespace"), validate=_account),
    Rules(f"{_FLOW}.UserSubject", required=("name",)),
    Rules(f"{_FLOW}.GroupSubject", required=("name",)),
    Rules(f"{_FLOW}.ResourcePolicyRule", validate=_resources),
    Rules(f"{_FLOW}.NonResourcePolicyRule", validate=_paths),
    Rules(f"{_FLOW}.PriorityLevelConfiguration", validate=_level),
    Rules(
        f"{_FLOW}.PriorityLevelConfigurationSpec",
        required=("type",),
        enums={"type": ("Exempt", "Limited")},
        validate=_level_spec,
    ),
    Rules(
        f"{_FLOW}.LimitedPriorityLevelConfiguration",
        defaults={"nominalConcurrencyShares": 30, "lendablePercent": 0, "limitResponse": {}},
        bounds={"lendablePercent": (0, 100)},
        validate=_shares,
    ),
    Rules(
        f"{_FLOW}.ExemptPriorityLevelConfiguration",
        defaults={"nominalConcurrencyShares": 0, "lendablePercent": 0},
        bounds={"lendablePercent": (0, 100)},
        validate=_shares,
    ),
    Rules(f"{_FLOW}.LimitResponse", required=("type",), enums={"type": ("Queue", "Reject")}, validate=_response),
    Rules(
        f"{_FLOW}.QueuingConfiguration",
        defaults={"handSize": 8, "queues": 64, "queueLengthLimit": 50},
        validate=_queuing,
    ),
)
