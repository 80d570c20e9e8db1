"""The notation of the default roles: a rule a line, as one would say it.

    read: pods services                                    of the core group
    create patch update: events in core events.k8s.io      of several groups
    get update: leases in coordination.k8s.io named x      of one name
    get: /healthz /livez/*                                 paths

`read` and `write` stand for the verbs that only look and for those that change.
"""

from __future__ import annotations

import msgspec

from knarr.api.kind import JSON

_READ, _WRITE = "get list watch", "create delete deletecollection patch update"
_WORDS = {"read": _READ, "write": _WRITE}
EVENTS = "create patch update: events in core events.k8s.io"


class Role(msgspec.Struct, frozen=True):
    """A role of the cluster or, with a namespace, of that. `gathers` and `joins`: the aggregated role that it is made
    of others' rules as, and the one that its rules go to (`view`: of those labelled `aggregate-to-view`).
    """

    name: str
    text: str = ""
    namespace: str = ""
    gathers: str = ""
    joins: str = ""

    def rules(self) -> list[JSON]:
        return [rule(line) for line in self.text.strip().splitlines()]


class Binding(msgspec.Struct, frozen=True):
    """Who has a role: `users`, `groups`, and `accounts` as namespace/name. It is called as the role unless named."""

    role: str
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    name: str = ""
    namespace: str = ""
    kind: str = "ClusterRole"  # of the role


def rule(line: str) -> JSON:
    """A line as a PolicyRule, its words sorted as upstream sorts them."""
    verbs, _, objects = line.partition(":")
    words: dict[str, list[str]] = {"": []}
    place = words[""]
    for word in objects.split():
        if word in ("in", "named"):
            place = words[word] = []
        else:
            place.append(word)
    named: JSON = {"verbs": sorted(" ".join(_WORDS.get(verb, verb) for verb in verbs.split()).split())}
    if words[""][0].startswith(("/", "*")) and "in" not in words:
        return {**named, "nonResourceURLs": sorted(words[""])}
    named["apiGroups"] = sorted("" if group == "core" else group for group in words.get("in", ["core"]))
    named["resources"] = sorted(words[""])
    if "named" in words:
        named["resourceNames"] = sorted(words["named"])
    return named
