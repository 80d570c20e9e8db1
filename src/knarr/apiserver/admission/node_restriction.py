"""NodeRestriction: a kubelet writes its own Node, the Pods bound to it, and tokens for these alone.

https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping

from knarr.api.certificates import read_request
from knarr.api.kind import JSON
from knarr.api.nodelabels import restricted
from knarr.api.paths import dig, each
from knarr.api.pods.mirrors import MIRROR, is_mirror
from knarr.api.pods.references import references
from knarr.api.signers import KUBELET_CLIENT, KUBELET_SERVING, NODE_USER
from knarr.apiserver.admission.plugin import Attributes, Plugin, Surroundings
from knarr.apiserver.authn.users import node_of
from knarr.apiserver.authz.authorizer import Authorizer
from knarr.apiserver.info import RequestInfo
from knarr.machinery.errors import NotFound

NAME = "NodeRestriction"
_WORDS = {
    "serviceaccounts": "a service account",
    "secrets": "secrets",
    "configmaps": "configmaps",
    "persistentvolumeclaims": "persistentvolumeclaims",
    "resourceclaims": "resourceclaims",
}
_REPORTED = ("capacity", "conditions", "allocatedResources", "allocatedResourceStatuses")  # of a claim, by kubelets

_KEPT = ("resourceVersion", "managedFields", "generation")  # what any write changes
_TOKENS = ("serviceaccounts", "token")
_Refuse = Callable[[Attributes, str], str]  # why, empty where all is well


def start(surroundings: Surroundings) -> Plugin:
    registry = surroundings.registry

    def restrict(attributes: Attributes) -> Awaitable[None] | None:
        node = node_of(attributes.user)
        if node is None:
            return None
        if not node:
            raise attributes.forbidden(f'could not determine node from user "{attributes.user.name}"')
        address = (attributes.kind.qualified_resource, attributes.subresource)
        if address == _TOKENS:
            return _restrict_token(attributes, node, registry.authorizer)
        if (refuse := _TABLE.get(address)) and (why := refuse(attributes, node)):
            raise attributes.forbidden(why)
        return None

    return Plugin(
        NAME,
        mutate=restrict,
        operations=frozenset({"CREATE", "UPDATE", "DELETE"}),
        resources=tuple({resource for resource, _ in (*_TABLE, _TOKENS)}),
        subresources=True,
    )


def _pod(attributes: Attributes, node: str) -> str:
    if attributes.operation == "DELETE":
        own = dig(attributes.old, "spec.nodeName") == node
        return "" if own else f'node "{node}" can only delete pods with spec.nodeName set to itself'
    if attributes.operation != "CREATE" or attributes.object is None:
        return f'unexpected operation "{attributes.operation}", node "{node}" can only create and delete mirror pods'
    return _mirror(attributes, attributes.object, node)


def _mirror(attributes: Attributes, pod: JSON, node: str) -> str:
    if not is_mirror(pod):
        return f'pod does not have "{MIRROR}" annotation, node "{node}" can only create mirror pods'
    if dig(pod, "spec.nodeName") != node:
        return f'node "{node}" can only create pods with spec.nodeName set to itself'
    owners = each(pod, "metadata.ownerReferences")
    if len(owners) > 1:
        return f'node "{node}" can only create pods with a single owner reference set to itself'
    if why := _foreign_owner(attributes, owners[0] if owners else {}, node):
        return why
    bare = {**pod, "metadata": {**pod["metadata"], "annotations": {}}}
    referred = {plural for plural, _ in references(bare)}
    what = next((words for plural, words in _WORDS.items() if plural in referred), "")
    return f'node "{node}" can not create pods that reference {what}' if what else ""


def _foreign_owner(attributes: Attributes, owner: JSON, node: str) -> str:
    """Why a mirror Pod's owner is not the node, and no more than that."""
    own = {"apiVersion": "v1", "kind": "Node", "name": node}
    if any(owner.get(name) != value for name, value in own.items()):
        return f'node "{node}" can only create pods with an owner reference set to itself'
    if not owner.get("controller"):
        return f'node "{node}" can only create pods with a controller owner reference set to itself'
    if owner.get("blockOwnerDeletion"):
        return f'node "{node}" must not set blockOwnerDeletion on an owner reference'
    uid, given = dig(attributes.lister.get("", "nodes", "", node), "metadata.uid"), owner.get("uid", "")
    return "" if uid == given else f"node {node} UID mismatch: expected {given} got {uid}"


def _pod_status(attributes: Attributes, node: str) -> str:
    if dig(attributes.old, "spec.nodeName") != node:
        return f'node "{node}" can only update pod status for pods with spec.nodeName set to itself'  # noqa: S608  # no SQL
    if _changes(attributes, "metadata.labels"):
        return f'node "{node}" cannot update labels through pod status'
    claims = _changes(attributes, "status.resourceClaimStatuses")  # by which the node could read others' claims
    return f'node "{node}" cannot update resource claim statuses' if claims else ""


def _changes(attributes: Attributes, path: str) -> bool:
    old, new = (dig(tree, path) or None for tree in (attributes.old, attributes.object))
    return bool(old != new)


def _eviction(attributes: Attributes, node: str) -> str:
    pod = attributes.lister.get("", "pods", attributes.namespace, attributes.name)
    if pod is None:
        raise NotFound(f'pods "{attributes.name}" not found', kind="pods", name=attributes.name)
    own = dig(pod, "spec.nodeName") == node
    return "" if own else f"node {node} can only evict pods with spec.nodeName set to itself"


def _node(attributes: Attributes, node: str) -> str:
    if attributes.name != node:
        return f'node "{node}" is not allowed to modify node "{attributes.name}"'
    new, old = attributes.object, attributes.old
    if new is None:
        return ""
    if old is None:
        labels = restricted(dig(new, "metadata.labels") or {})
        return f'node "{node}" is not allowed to set the following labels: {", ".join(labels)}' if labels else ""
    if each(new, "spec.taints") != each(old, "spec.taints"):
        return f'node "{node}" is not allowed to modify taints'
    if each(new, "metadata.ownerReferences") != each(old, "metadata.ownerReferences"):
        return f'node "{node}" is not allowed to modify ownerReferences'
    labels = restricted(_modified(dig(new, "metadata.labels") or {}, dig(old, "metadata.labels") or {}))
    return f'node "{node}" is not allowed to modify labels: {", ".join(labels)}' if labels else ""


def _modified(new: Mapping[str, str], old: Mapping[str, str]) -> list[str]:
    return [label for label in {**old, **new} if new.get(label) != old.get(label)]


async def _restrict_token(attributes: Attributes, node: str, authorizer: Authorizer | None) -> None:
    """A token is for a Pod of the node. Raises APIError."""
    if why := _token(attributes, node) or await _audience(attributes, authorizer):
        raise attributes.forbidden(why)


def _bound_pod(attributes: Attributes) -> tuple[str, JSON | None]:
    """The name of the Pod that a token is to be bound to, and that Pod."""
    name = dig(attributes.object, "spec.boundObjectRef.name", "")
    return name, attributes.lister.get("", "pods", attributes.namespace, name)


def _token(attributes: Attributes, node: str) -> str:
    spec = dig(attributes.object, "spec") or {}
    reference = spec.get("boundObjectRef") or {}
    if reference.get("kind") != "Pod" or reference.get("apiVersion") != "v1":
        return "node requested token not bound to a pod"
    if not reference.get("uid"):
        return "node requested token with a pod binding without a uid"
    name, pod = _bound_pod(attributes)
    if pod is None:
        raise NotFound(f'pods "{name}" not found', kind="pods", name=name)
    if reference["uid"] != pod["metadata"]["uid"]:
        return (
            f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. "
            "The object might have been deleted and then recreated"
        )
    if dig(pod, "spec.nodeName") != node:
        return "node requested token bound to a pod scheduled on a different node"
    return ""


async def _audience(attributes: Attributes, authorizer: Authorizer | None) -> str:
    """An audience must be one that the Pod asks for, or that somebody has allowed the node to ask for."""
    audiences = each(attributes.object, "spec.audiences")
    if len(audiences) > 1:
        return "node may only request 0 or 1 audiences"
    wanted = audiences[0] if audiences else ""
    if wanted in _audiences(attributes):
        return ""
    verb = "request-serviceaccounts-token-audience"
    info = RequestInfo(
        verb, resource=wanted, namespace=attributes.namespace, name=attributes.name, is_resource=True, version="*"
    )
    if authorizer and await authorizer.allows(attributes.user, info):
        return ""
    return f'audience "{wanted}" not found in pod spec volume, {attributes.user.name} is not authorized to {verb}'


def _audiences(attributes: Attributes) -> set[str]:
    """Those of the tokens in the Pod's volumes, and of tokens for the CSI drivers of its own volumes."""
    _, pod = _bound_pod(attributes)
    sources = (source for volume in each(pod, "spec.volumes") for source in each(volume, "projected.sources"))
    tokens = (source["serviceAccountToken"] for source in sources if source.get("serviceAccountToken"))
    projected = {token.get("audience") or "" for token in tokens}
    named = {dig(volume, "csi.driver", "") for volume in each(pod, "spec.volumes")} - {""}
    found = (attributes.lister.get("storage.k8s.io", "csidrivers", "", name) for name in named)
    return projected | {dig(r, "audience", "") for driver in found for r in each(driver, "spec.tokenRequests")}


def _claim_status(attributes: Attributes, node: str) -> str:
    def rest(tree: JSON | None) -> JSON:
        status = {name: value for name, value in (dig(tree, "status") or {}).items() if name not in _REPORTED}
        about = {name: value for name, value in (dig(tree, "metadata") or {}).items() if name not in _KEPT}
        return {**(tree or {}), "metadata": about, "status": status}

    same = rest(attributes.old) == rest(attributes.object)
    return (
        ""
        if same
        else f'node "{node}" is not allowed to update fields other than status.capacity and status.conditions'
    )


def _request(attributes: Attributes, node: str) -> str:
    """A certificate for a kubelet is for this one."""
    spec = dig(attributes.object, "spec") or {}
    if attributes.operation != "CREATE" or spec.get("signerName") not in (KUBELET_CLIENT, KUBELET_SERVING):
        return ""
    try:
        wanted = read_request(base64.b64decode(spec.get("request") or ""))
    except ValueError as error:
        return f"unable to parse csr: {error}"
    own = f"{NODE_USER}{node}"
    return "" if wanted.common_name == own else f"can only create a node CSR with CN={own}"


def _slice(attributes: Attributes, node: str) -> str:
    verb = attributes.operation.lower()
    trees = [tree for tree in (attributes.old, attributes.object) if tree is not None]
    own = all(dig(tree, "spec.nodeName") == node for tree in trees)
    return "" if own else f"can only {verb} ResourceSlice with the same NodeName as the requesting node"


def _named_alike(what: str) -> _Refuse:
    def refuse(attributes: Attributes, node: str) -> str:
        alike = attributes.name == node
        return "" if alike else f"can only access {what} with the same name as the requesting node"

    return refuse


_TABLE: dict[tuple[str, str], _Refuse] = {
    ("pods", ""): _pod,
    ("pods", "status"): _pod_status,
    ("pods", "eviction"): _eviction,
    ("nodes", ""): _node,
    ("nodes", "status"): _node,
    ("persistentvolumeclaims", "status"): _claim_status,
    ("leases.coordination.k8s.io", ""): _named_alike("node lease"),
    ("resourceslices.resource.k8s.io", ""): _slice,
    ("csinodes.storage.k8s.io", ""): _named_alike("CSINode"),
    ("certificatesigningrequests.certificates.k8s.io", ""): _request,
}

PLUGIN = Plugin(NAME, start=start)
