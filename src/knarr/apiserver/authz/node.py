"""The Node authorizer: a kubelet reaches what the Pods bound to its node need, its own Node, and nothing else.

Whoever else asks, it has no opinion. What a kubelet may write of all that, the admission plugin NodeRestriction limits.
https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from __future__ import annotations

from collections.abc import Callable

from knarr.apiserver.authn.users import User, node_of
from knarr.apiserver.authz.authorizer import ALLOWED, NO_OPINION, Decision, Held, Local, Verdict
from knarr.apiserver.authz.defaults.cluster import NODE
from knarr.apiserver.authz.rules import Rules
from knarr.apiserver.authz.tenancy import Tenancy
from knarr.apiserver.info import RequestInfo
from knarr.machinery.selectors import FieldRequirement, SelectorError, parse_fields

_READS = frozenset(("get", "list", "watch"))
_CHANGES = frozenset(("create", "update", "patch", "delete"))
_LEASES = "kube-node-lease"

_Judge = Callable[["NodeAuthorizer", str, RequestInfo], Decision]


def _no(why: str) -> Decision:
    return Decision(Verdict.NO_OPINION, why)


class NodeAuthorizer(Local):
    """Judges by the tables below; what is in none of them, by the rules of the role `system:node`."""

    def __init__(self, tenancy: Tenancy) -> None:
        self.tenancy = tenancy
        self._rules = Rules(NODE.rules())

    def at_once(self, user: User, info: RequestInfo) -> Decision:
        node = node_of(user)
        if node is None:
            return NO_OPINION
        if not node:
            return _no(f'unknown node for user "{user.name}"')
        if info.is_resource and (judge := _JUDGES.get(info.qualified_resource)):
            return judge(self, node, info)
        return self.by_rules(info)

    def held(self, user: User, namespace: str) -> Held:
        if node_of(user) is None:
            return Held()
        return Held(errors=("node authorizer does not support user rule resolution",), incomplete=True)

    def by_rules(self, info: RequestInfo) -> Decision:
        return ALLOWED if self._rules.allow(info) else NO_OPINION


def _related(found: bool, node: str) -> Decision:
    return ALLOWED if found else _no(f"no relationship found between node '{node}' and this object")


def _readable(judge: NodeAuthorizer, node: str, info: RequestInfo) -> Decision:
    """Secrets and ConfigMaps: one at a time, by those whose Pods refer to them."""
    if info.verb not in _READS:
        return _no("can only read resources of this type")
    if info.subresource:
        return _no("cannot read subresource")
    if not info.namespace:
        return _no("can only read namespaced object of this type")
    if not info.name:
        return _no("No Object name found")
    if info.resource == "secrets":
        return _related(judge.tenancy.needs_secret(node, info.namespace, info.name), node)
    return _related(judge.tenancy.needs(node, info.resource, info.namespace, info.name), node)


def _claims(judge: NodeAuthorizer, node: str, info: RequestInfo) -> Decision:
    if info.subresource == "status":
        if info.verb not in ("get", "update", "patch"):
            return _no("can only get individual resources of this type")
    elif info.subresource or info.verb != "get":
        return _no("can only get individual resources of this type")
    return _related(judge.tenancy.needs(node, info.resource, info.namespace, info.name), node)


def _individual(found: Callable[[Tenancy, str, RequestInfo], bool]) -> _Judge:
    """What is got one at a time."""

    def judge(authorizer: NodeAuthorizer, node: str, info: RequestInfo) -> Decision:
        if info.verb != "get":
            return _no("can only get individual resources of this type")
        if info.subresource:
            return _no("cannot get subresource")
        return _related(found(authorizer.tenancy, node, info), node)

    return judge


def _accounts(judge: NodeAuthorizer, node: str, info: RequestInfo) -> Decision:
    """A token of an account that a Pod of the node runs as, or that account itself."""
    if (info.verb, info.subresource) not in (("create", "token"), ("get", "")):
        return _no("can only create tokens for individual service accounts")
    return _related(judge.tenancy.needs(node, "serviceaccounts", info.namespace, info.name), node)


def _nodes(judge: NodeAuthorizer, node: str, info: RequestInfo) -> Decision:
    if not info.subresource and info.verb in _READS:
        if info.name == node:
            return ALLOWED
        which = f'"{info.name}"' if info.name else "all nodes"
        return _no(f"node '{node}' cannot read {which}, only its own Node object")
    return judge.by_rules(info)


def _pods(judge: NodeAuthorizer, node: str, info: RequestInfo) -> Decision:
    if info.subresource or info.verb not in _READS:
        return judge.by_rules(info)
    if info.verb == "get" or info.name:
        return _related(judge.tenancy.hosts(node, info.namespace, info.name), node)
    if _is_pinned(info.field_selector, node):
        return ALLOWED
    return _no("can only list/watch pods with spec.nodeName field selector")


def _slices(judge: NodeAuthorizer, node: str, info: RequestInfo) -> Decision:
    """What devices the node has; that a new one is the node's, admission sees to."""
    if info.subresource:
        return _no("cannot authorize ResourceSlice subresources")
    if info.verb == "create":
        return ALLOWED
    if info.verb == "get" or info.verb in _CHANGES:
        return _related(judge.tenancy.names(info.group, info.resource, info.name, node), node)
    if _is_pinned(info.field_selector, node):
        return ALLOWED
    return _no("can only list/watch/deletecollection resourceslices with spec.nodeName field selector")


def _is_pinned(selector: str, node: str) -> bool:
    """Whether what it selects is on the node."""
    try:
        return FieldRequirement("spec.nodeName", node) in parse_fields(selector).requirements
    except SelectorError:
        return False


def _leases(judge: NodeAuthorizer, node: str, info: RequestInfo) -> Decision:
    """The lease by which the node says that it lives, and those of no other namespace."""
    if info.verb != "get" and info.verb not in _CHANGES:
        return _no("can only get, create, update, patch, or delete a node lease")
    if info.namespace != _LEASES:
        return _no(f'can only access leases in the "{_LEASES}" system namespace')
    if info.verb != "create" and info.name != node:
        return _no("can only access node lease with the same name as the requesting node")
    return ALLOWED


def _storage_node(judge: NodeAuthorizer, node: str, info: RequestInfo) -> Decision:
    if info.verb != "get" and info.verb not in _CHANGES:
        return _no("can only get, create, update, patch, or delete a CSINode")
    if info.subresource:
        return _no("cannot authorize CSINode subresources")
    if info.verb != "create" and info.name != node:
        return _no("can only access CSINode with the same name as the requesting node")
    return ALLOWED


_JUDGES: dict[str, _Judge] = {
    "secrets": _readable,
    "configmaps": _readable,
    "persistentvolumeclaims": _claims,
    "persistentvolumes": _individual(lambda tenancy, node, info: tenancy.needs_volume(node, info.name)),
    "resourceclaims.resource.k8s.io": _individual(
        lambda tenancy, node, info: tenancy.needs(node, info.resource, info.namespace, info.name)
    ),
    "volumeattachments.storage.k8s.io": _individual(
        lambda tenancy, node, info: tenancy.names(info.group, info.resource, info.name, node)
    ),
    "serviceaccounts": _accounts,
    "nodes": _nodes,
    "pods": _pods,
    "resourceslices.resource.k8s.io": _slices,
    "leases.coordination.k8s.io": _leases,
    "csinodes.storage.k8s.io": _storage_node,
}
