"""DeleteOptions, from the body or the query.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/delete-options/
"""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.api.types import type_of
from knarr.apiserver.media import META_GROUP
from knarr.apiserver.verbs import bodies
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.deleting import DeleteOptions
from knarr.apiserver.verbs.unreadable import OPTION
from knarr.machinery.errors import BadRequest, Invalid
from knarr.machinery.fielderrors import FieldError, invalid, not_supported

_DEFINITION = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
_ABOUT_WHAT_IS_READ = ("dryRun", "propagationPolicy", "orphanDependents", "gracePeriodSeconds", "preconditions")
_POLICIES = ("Foreground", "Background", "Orphan", "nil")


def read(call: Call) -> DeleteOptions:
    """What the request says of how to delete. Raises BadRequest, Invalid."""
    tree = _body(call) if call.request.http.body else _query(call)
    if tree.get("dryRun"):
        call.request.parameters["dryRun"] = tree["dryRun"]
    call.dry_run()  # refuses what it does not know before anything is looked for
    _check(tree)
    preconditions = tree.get("preconditions") or {}
    return DeleteOptions(
        grace=tree.get("gracePeriodSeconds"),
        policy=_policy(tree),
        uid=preconditions.get("uid", ""),
        resource_version=preconditions.get("resourceVersion", ""),
        cascades=tree.get("orphanDependents") is False,
        unread=bool(tree.get(OPTION)),
    )


def shown(call: Call, options: DeleteOptions) -> JSON:
    """The options as admission is shown them."""
    tree = call.options("DELETE")
    preconditions = {"uid": options.uid, "resourceVersion": options.resource_version}
    found = {
        "gracePeriodSeconds": options.grace,
        "preconditions": {name: value for name, value in preconditions.items() if value} or None,
        "propagationPolicy": options.policy or None,
    }
    return {**tree, "kind": "DeleteOptions", **{name: value for name, value in found.items() if value is not None}}


def _body(call: Call) -> JSON:
    group = call.kind.group
    versions = ["v1", f"{META_GROUP}/v1", *(f"{group}/{version.name}" for version in call.kind.versions if group)]
    return bodies.read_as(call, "DeleteOptions", versions, type_of(_DEFINITION))


def _query(call: Call) -> JSON:
    tree: JSON = {}
    request = call.request
    if grace := request.parameter("gracePeriodSeconds"):
        try:
            tree["gracePeriodSeconds"] = int(grace)
        except ValueError:
            why = f'strconv.ParseInt: parsing "{grace}": invalid syntax'
            raise BadRequest(f"unable to convert query parameter gracePeriodSeconds: {why}") from None
    if policy := request.parameter("propagationPolicy"):
        tree["propagationPolicy"] = policy
    if OPTION in request.parameters:
        tree[OPTION] = request.flag(OPTION)
    if "orphanDependents" in request.parameters:
        tree["orphanDependents"] = request.flag("orphanDependents")
    return tree


def _policy(tree: JSON) -> str:
    orphan = tree.get("orphanDependents")
    said = "" if orphan is None else "Orphan" if orphan else "Background"
    return tree.get("propagationPolicy") or said


def _check(tree: JSON) -> None:
    errors: list[FieldError] = []
    policy = tree.get("propagationPolicy")
    if policy is not None and tree.get("orphanDependents") is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        errors.append(invalid("propagationPolicy", policy, why))
    if policy is not None and policy not in _POLICIES[:3]:
        errors.append(not_supported("propagationPolicy", policy, _POLICIES, in_order=True))
    if tree.get(OPTION):
        said = [name for name in _ABOUT_WHAT_IS_READ if tree.get(name) not in (None, [])]
        errors += [invalid(OPTION, True, f"cannot be set together with .{name}") for name in said]
    if errors:
        raise Invalid.of(META_GROUP, "DeleteOptions", "", errors)
