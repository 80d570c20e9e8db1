"""Whether rules allow all that other rules do: what escalation checks and the reconciliation of default roles ask.

A rule stands for all combinations of its verbs, groups, resources and names, and each must be covered by one of the
holder's. A rule of a few kilobytes may have more of them than anybody could count: so words that the same of the
holder's rules cover are looked at together, and what is missing is spelled out only as far as somebody wants to see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial, reduce
from itertools import islice, product
from operator import and_

from knarr.api.kind import JSON
from knarr.api.paths import each

_ALL = -1  # bits
_SHOWN = {  # as messages call the parts, in their order
    "APIGroups": "apiGroups",
    "Resources": "resources",
    "NonResourceURLs": "nonResourceURLs",
    "ResourceNames": "resourceNames",
    "Verbs": "verbs",
}


def uncovered(held: Sequence[JSON], wanted: Iterable[JSON], most: int | None = None) -> list[JSON]:
    """What of the wanted rules the held ones do not allow, in the smallest rules, at most so many of them; those alike
    but for verbs are united.
    """
    holder = _Holder(held)
    return _united(islice((small for rule in wanted for small in _missing(holder, rule)), most))


def described(rule: JSON) -> str:
    """A rule as messages show it: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`."""
    shown = (f"{name}:{quoted(found)}" for name, part in _SHOWN.items() if (found := each(rule, part)))
    return "{" + ", ".join(shown) + "}"


def quoted(words: Iterable[str]) -> str:
    """A list as Go's %q prints it."""
    return "[" + " ".join(f'"{word}"' for word in words) + "]"


class _Holder:
    """Which of the holder's rules cover a word: bits, by the rules' order."""

    def __init__(self, rules: Sequence[JSON]) -> None:
        self._known: dict[tuple[str, str], int] = {}  # by part of a rule, and word
        self._wild: dict[str, int] = {}  # paths that end in a wildcard
        self.nameless = 0  # those for any name
        for bit, rule in ((1 << index, rule) for index, rule in enumerate(rules)):
            for part in _SHOWN.values():
                for word in each(rule, part):
                    self._known[part, word] = self._of(part, word) | bit
            self.nameless |= 0 if each(rule, "resourceNames") else bit
        self._wild = {word: bits for (part, word), bits in self._known.items() if part == _PATHS and word[-1:] == "*"}

    def _of(self, part: str, word: str) -> int:
        return self._known.get((part, word), 0)

    def word(self, part: str, word: str) -> int:
        """Of verbs and groups."""
        return self._of(part, word) | self._of(part, "*")

    def resource(self, part: str, word: str) -> int:
        _, slash, subresource = word.partition("/")
        return self.word(part, word) | (self._of(part, f"*/{subresource}") if slash else 0)

    def name(self, part: str, word: str) -> int:
        return self.nameless | self._of(part, word)

    def path(self, part: str, word: str) -> int:
        bits = self._of(part, word)
        for prefix, more in self._wild.items():
            bits |= more if word.rstrip("*").startswith(prefix.rstrip("*")) else 0
        return bits


_PATHS = "nonResourceURLs"
_Part = tuple[str, Callable[[_Holder, str, str], int]]
_RESOURCES: Sequence[_Part] = (("apiGroups", _Holder.word), ("resources", _Holder.resource), ("verbs", _Holder.word))
_NAMED: Sequence[_Part] = (*_RESOURCES, ("resourceNames", _Holder.name))
_ADDRESSES: Sequence[_Part] = ((_PATHS, _Holder.path), ("verbs", _Holder.word))


def _missing(holder: _Holder, rule: JSON) -> Iterator[JSON]:
    """The smallest rules of a rule that the holder lacks."""
    if each(rule, "resourceNames"):
        yield from _smallest(holder, rule, _NAMED, _ALL)
    else:
        yield from _smallest(holder, rule, _RESOURCES, holder.nameless)
    yield from _smallest(holder, rule, _ADDRESSES, _ALL)


def _smallest(holder: _Holder, rule: JSON, parts: Sequence[_Part], covering: int) -> Iterator[JSON]:
    alike = [_alike(each(rule, part), partial(find, holder, part)) for part, find in parts]
    for box in _gaps(covering, alike):
        for words in product(*box):
            yield {part: [word] for (part, _), word in zip(parts, words, strict=True)}


def _alike(words: Iterable[str], covering: Callable[[str], int]) -> Mapping[int, Sequence[str]]:
    """The words that the same rules cover, by these."""
    found: dict[int, list[str]] = {}
    for word in dict.fromkeys(words):
        found.setdefault(covering(word), []).append(word)
    return found


def _gaps(covering: int, parts: Sequence[Mapping[int, Sequence[str]]]) -> Iterator[tuple[Sequence[str], ...]]:
    """The combinations that none of the rules in question covers, as words of each part that may be combined."""
    if not parts and not covering:
        yield ()
    elif parts and not reduce(and_, (bits for part in parts for bits in part), covering):  # else one covers them all
        for bits, words in parts[0].items():
            yield from ((words, *rest) for rest in _gaps(covering & bits, parts[1:]))


def _united(rules: Iterable[JSON]) -> list[JSON]:
    """Rules on resources that differ in their verbs alone become one."""
    found: list[JSON] = []
    known: dict[tuple[object, ...], JSON] = {}
    for rule in rules:
        key = (*each(rule, "apiGroups"), *each(rule, "resources"), *each(rule, "resourceNames"))
        same = known.get(key) if key else None
        if same is None:
            found.append(rule)
            known[key] = rule
        elif rule["verbs"][0] not in same["verbs"]:
            same["verbs"].append(rule["verbs"][0])
    return found
