"""ABAC: what a file allows, a policy a line, read when the server starts.

https://kubernetes.io/docs/reference/access-authn-authz/abac/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from knarr.api.kind import JSON
from knarr.apiserver.authn.users import AUTHENTICATED, User
from knarr.apiserver.authz.authorizer import ALLOWED, Decision, Held, Local, Verdict
from knarr.apiserver.configfiles import ConfigFileError
from knarr.apiserver.info import RequestInfo

_READS = ("get", "list", "watch")
_VERSION = "abac.authorization.kubernetes.io/v1beta1"
_NO_MATCH = Decision(Verdict.NO_OPINION, "No policy matched.")


class Policy(msgspec.Struct, frozen=True, rename="camel"):
    """Who may do what: `*` stands for anything, an empty field for nothing."""

    user: str = ""
    group: str = ""
    readonly: bool = False
    api_group: str = msgspec.field(default="", name="apiGroup")
    resource: str = ""
    namespace: str = ""
    non_resource_path: str = ""

    def allows(self, user: User, info: RequestInfo) -> bool:
        if (self.readonly and info.verb not in _READS) or not self.concerns(user):
            return False
        if info.is_resource:
            asked = ((self.namespace, info.namespace), (self.resource, info.resource), (self.api_group, info.group))
            return all(own in ("*", named) for own, named in asked)
        path = self.non_resource_path
        return path == info.path or (path.endswith("*") and info.path.startswith(path.rstrip("*")))

    def concerns(self, user: User) -> bool:
        """Whether it is about the user; one that names nobody is about nobody."""
        if self.user and self.user != user.name:
            return False
        return self.group in user.groups if self.group else bool(self.user)

    def rules(self) -> Iterator[JSON]:
        verbs = list(_READS) if self.readonly else ["*"]
        if self.resource:
            yield {"verbs": verbs, "apiGroups": [self.api_group], "resources": [self.resource]}
        if self.non_resource_path:
            yield {"verbs": verbs, "nonResourceURLs": [self.non_resource_path]}


class ABAC(Local):
    """See the module's docstring."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self._policies = policies

    def at_once(self, user: User, info: RequestInfo) -> Decision:
        return ALLOWED if any(policy.allows(user, info) for policy in self._policies) else _NO_MATCH

    def held(self, user: User, namespace: str) -> Held:
        here = [p for p in self._policies if p.concerns(user) and p.namespace in ("*", namespace)]
        return Held([rule for policy in here for rule in policy.rules()])


def read_policies(path: Path | None) -> Sequence[Policy]:
    """The policies of a file, which there must be. Raises ConfigFileError, which names the line."""
    if path is None:
        raise ConfigFileError("authorization-mode ABAC's authorization policy file not passed")
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigFileError(f"error reading policy file {path}: {error}") from None
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        try:
            found.append(_policy(msgspec.json.decode(line)))
        except (msgspec.DecodeError, ValueError) as error:
            raise ConfigFileError(f"error reading policy file {path}, line {number}: {line}: {error}") from None
    return found


def _policy(tree: Any) -> Policy:
    """A line's policy, of either version. Raises ValueError."""
    if not isinstance(tree, dict):
        raise ValueError("a policy is an object")  # of the file, not of the program
    if "kind" not in tree and "apiVersion" not in tree:
        return _unversioned(msgspec.convert(tree, Policy))
    if (tree.get("apiVersion"), tree.get("kind")) != (_VERSION, "Policy"):
        raise ValueError(f'no kind "{tree.get("kind", "")}" is registered for version "{tree.get("apiVersion", "")}"')
    return _anybody(msgspec.convert(tree.get("spec") or {}, Policy))


def _anybody(policy: Policy) -> Policy:
    """All users are who is authenticated."""
    if "*" not in (policy.user, policy.group):
        return policy
    return msgspec.structs.replace(policy, user="", group=AUTHENTICATED)


def _unversioned(given: Policy) -> Policy:
    """The first version, where what is not said is not limited; it knew no API groups."""
    everywhere = not given.namespace and not given.resource
    return _anybody(
        Policy(
            user=given.user or ("" if given.group else "*"),
            group=given.group,
            readonly=given.readonly,
            api_group="*",
            resource=given.resource or "*",
            namespace=given.namespace or "*",
            non_resource_path="*" if everywhere else "",
        )
    )
