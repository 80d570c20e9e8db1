"""RBAC's own guard: nobody gives away by a role or a binding what they do not hold themselves.

Who may `escalate` roles, or `bind` the role in question, may do it nevertheless. Not an admission plugin upstream,
where the storage of these objects does it, after the last change and before validation.
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
"""

from __future__ import annotations

from collections.abc import Sequence

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.apiserver.admission.plugin import Attributes, Plugin, Surroundings
from knarr.apiserver.authn.users import MASTERS
from knarr.apiserver.authz.authorizer import Authorizer, Held
from knarr.apiserver.authz.covering import described, quoted, uncovered
from knarr.apiserver.authz.rbac import ROLES
from knarr.apiserver.authz.rules import GROUP
from knarr.apiserver.info import RequestInfo
from knarr.machinery.errors import NotFound

NAME = "RBACEscalation"
_EVERYTHING: Sequence[JSON] = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)
_GARBAGE = ("ownerReferences", "finalizers")  # what the garbage collector changes
_KEPT = ("resourceVersion", "managedFields", "generation")  # what any write changes


_SHOWN = 1000  # of what is refused: a few words may stand for millions of rights


def start(surroundings: Surroundings) -> Plugin:
    registry = surroundings.registry

    async def guard(attributes: Attributes) -> None:
        authorizer, roles, wanted = registry.authorizer, registry.roles, attributes.object
        if authorizer is None or roles is None or wanted is None:
            return
        if MASTERS in attributes.user.groups or _only_garbage(attributes):
            return
        guard_it = _guard_role if attributes.kind.plural in ROLES.values() else _guard_binding
        await guard_it(attributes, authorizer, roles, wanted)

    resources = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
    return Plugin(NAME, mutate=guard, resources=tuple(f"{plural}.{GROUP}" for plural in resources))


async def _guard_role(attributes: Attributes, authorizer: Authorizer, roles: Authorizer, role: JSON) -> None:
    name = attributes.name if attributes.old else ""  # a new role is none that anybody is named for
    if await _may(attributes, authorizer, "escalate", attributes.kind.plural, name):
        return
    held = roles.held(attributes.user, attributes.namespace)
    _refuse_more(attributes, held, each(role, "rules"))
    if any(dig(tree, "aggregationRule") for tree in (role, attributes.old)) and uncovered(held.rules, _EVERYTHING, 1):
        raise attributes.forbidden("must have cluster-admin privileges to use an aggregationRule")


async def _guard_binding(attributes: Attributes, authorizer: Authorizer, roles: Authorizer, binding: JSON) -> None:
    reference = binding.get("roleRef") or {}
    plural, name = ROLES.get(reference.get("kind", ""), ""), reference.get("name") or ""
    if not plural or await _may(attributes, authorizer, "bind", plural, name):
        return
    namespace = attributes.namespace if plural == "roles" else ""
    role = attributes.lister.get(GROUP, plural, namespace, name)
    if role is None:
        raise NotFound(f'{plural}.{GROUP} "{name}" not found', kind=plural, group=GROUP, name=name)
    _refuse_more(attributes, roles.held(attributes.user, attributes.namespace), each(role, "rules"))


async def _may(attributes: Attributes, authorizer: Authorizer, verb: str, plural: str, name: str) -> bool:
    info = RequestInfo(verb, GROUP, "*", plural, namespace=attributes.namespace, name=name, is_resource=True)
    return await authorizer.allows(attributes.user, info)


def _refuse_more(attributes: Attributes, held: Held, rules: Sequence[JSON]) -> None:
    more = uncovered(held.rules, rules, _SHOWN)
    if not more:
        return
    user, lines = attributes.user, sorted({described(rule) for rule in more})
    text = (
        f'user "{user.name}" (groups={quoted(user.groups)}) is attempting to grant RBAC permissions not currently held:'
    )
    errors = f"; resolution errors: [{held.error}]" if held.errors else ""
    raise attributes.forbidden("\n".join([text, *lines]) + errors)


def _only_garbage(attributes: Attributes) -> bool:
    """Whether an update is about nothing but the object's owners and finalizers."""
    if attributes.old is None or attributes.object is None:
        return False
    old, new = (_essence(tree) for tree in (attributes.old, attributes.object))
    return old == new


def _essence(tree: JSON) -> JSON:
    metadata = {name: value for name, value in tree["metadata"].items() if name not in (*_GARBAGE, *_KEPT)}
    return {**tree, "metadata": metadata}


PLUGIN = Plugin(NAME, start=start)
