"""YAML in and out, as sigs.k8s.io/yaml reads it: YAML 1.1 booleans and octals; times stay, keys become text."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Any

import yaml

_BOOLEANS = {"y": True, "yes": True, "true": True, "on": True, "n": False, "no": False, "false": False, "off": False}
_INTEGER = re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_BOOLEAN = re.compile("|".join(f"{w}|{w.capitalize()}|{w.upper()}" for w in _BOOLEANS))
_NULL = re.compile("~|null|Null|NULL|")
_TEXT = "tag:yaml.org,2002:str"
_MOST_NODES = 400_000  # of a document with aliases, these expanded
_DEEPEST = 250
_OPENERS = (b"[", b"{", b"-", b"?", b":")  # each level of nesting takes one of these
_LARGEST_WRITTEN_AS_INTEGER = 1e21  # by Go's JSON: `1e3` in YAML is 1000, good for an integer field
# Times and YAML 1.1's base 60 numbers: read as text, but written in quotes since other readers may not.
_TIMESTAMP = re.compile(r"([0-9]{4}-[0-9][0-9]?-[0-9][0-9]?([Tt\s].*)?|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)\Z")
_RESOLVERS = (
    ("tag:yaml.org,2002:bool", _BOOLEAN, "yYnNtTfFoO"),
    ("tag:yaml.org,2002:null", _NULL, ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", _INTEGER, "-+0123456789"),
    ("tag:yaml.org,2002:float", _FLOAT, "-+0123456789."),
    ("tag:yaml.org,2002:merge", re.compile("<<"), "<"),
)


class YAMLError(ValueError):
    """Text that is no YAML, worded as upstream's converter words it."""


class _Loader(yaml.CSafeLoader):
    def construct_yaml_bool(self, node: yaml.ScalarNode) -> bool:
        return _BOOLEANS[node.value.lower()]

    def construct_integer(self, node: yaml.ScalarNode) -> int | float:
        text = node.value.replace("_", "")
        digits = text.lstrip("+-")
        octal = len(digits) > 1 and digits.isdigit() and digits.startswith("0")
        number = int(text, 8 if octal else 0)
        return number if -(2**63) <= number < 2**64 else float(number)  # as Go's decoder, and JSON's here

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        number = float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan"))
        return int(number) if number.is_integer() and abs(number) < _LARGEST_WRITTEN_AS_INTEGER else number

    def construct_yaml_map(self, node: yaml.MappingNode) -> Generator[dict[Any, Any], None, None]:
        data: dict[str, Any] = {}
        yield data
        self.flatten_mapping(node)
        for key, value in node.value:
            data[_key(self.construct_object(key, deep=True))] = self.construct_object(value)

    def construct_text(self, node: yaml.ScalarNode) -> str:
        return str(self.construct_scalar(node))


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    plain = dumper.resolve(yaml.ScalarNode, text, (True, False)) == _TEXT  # type: ignore[no-untyped-call]
    return dumper.represent_scalar(_TEXT, text, style="|" if "\n" in text else None if plain else '"')


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)


_Loader.yaml_implicit_resolvers, _Dumper.yaml_implicit_resolvers = {}, {}  # none of PyYAML's own
_Dumper.add_implicit_resolver("tag:yaml.org,2002:timestamp", _TIMESTAMP, list("-+0123456789"))
for _tag, _pattern, _first in _RESOLVERS:
    _whole = re.compile(rf"(?:{_pattern.pattern})\Z")
    _Loader.add_implicit_resolver(_tag, _whole, list(_first))
    _Dumper.add_implicit_resolver(_tag, _whole, list(_first))
for _name, _construct in (
    ("bool", _Loader.construct_yaml_bool),
    ("int", _Loader.construct_integer),
    ("float", _Loader.construct_yaml_float),
    ("map", _Loader.construct_yaml_map),
    ("timestamp", _Loader.construct_text),
    ("binary", _Loader.construct_text),
):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _construct)
_Dumper.add_representer(str, _represent_text)


def load_all(text: str | bytes) -> list[Any]:
    """Every document that is not empty. Raises YAMLError."""
    try:
        _require_shallow(text)
        documents = [document for document in yaml.load_all(text, _Loader) if document is not None]
        if _has_aliases(text):
            documents = [_expanded(document, iter(range(_MOST_NODES))) for document in documents]
        return documents
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YAMLError(f"error converting YAML to JSON: yaml: {_described(error)}") from None


def load(text: str | bytes) -> Any:
    """The first document, None if there is none. Raises YAMLError."""
    return next(iter(load_all(text)), None)


def duplicate_keys(text: str | bytes) -> list[tuple[int, str]]:
    """The line and the name of every key that a mapping of the first document has had before. Raises YAMLError."""
    try:
        _require_shallow(text)
        root = next(iter(yaml.compose_all(text, _Loader)), None)
    except (yaml.YAMLError, ValueError) as error:
        raise YAMLError(f"error converting YAML to JSON: yaml: {_described(error)}") from None
    return list(_doubled(root, set()))


def dump(document: Any) -> str:
    """Block style, keys sorted, long lines whole: what kubectl prints with `-o yaml`."""
    return str(yaml.dump(document, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, width=2**31 - 1))


def _doubled(node: yaml.Node | None, visited: set[int]) -> Iterator[tuple[int, str]]:
    if node is None or id(node) in visited:  # what an alias repeats
        return
    visited.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _doubled(item, visited)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield key.start_mark.line + 1, name
            seen.add(name)
            yield from _doubled(value, visited)


def _require_shallow(text: str | bytes) -> None:
    """Refuse deep nesting before PyYAML, which recurses in C without a limit, runs out of stack. Raises ValueError."""
    data = text.encode(errors="replace") if isinstance(text, str) else text
    if sum(map(data.count, _OPENERS)) <= _DEEPEST:
        return
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"exceeded max depth of {_DEEPEST}")


def _has_aliases(text: str | bytes) -> bool:
    return "*" in text if isinstance(text, str) else b"*" in text


def _expanded(value: Any, budget: Iterator[int]) -> Any:
    """A copy in which nothing is shared: a few bytes of aliases of aliases can stand for more than fits into memory."""
    if next(budget, None) is None:
        raise ValueError("document contains excessive aliasing")
    if isinstance(value, dict):
        return {key: _expanded(item, budget) for key, item in value.items()}
    return [_expanded(item, budget) for item in value] if isinstance(value, list) else value


def _described(error: Exception) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return str(error)
    return f"line {error.problem_mark.line + 1}: {error.problem}"
