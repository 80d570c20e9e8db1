"""Modules know each other one way only, in their types too: what import-linter leaves out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import knarr

SOURCE = Path(knarr.__file__).parent


def modules() -> dict[str, Path]:
    found = {path: path.relative_to(SOURCE.parent).with_suffix("").parts for path in SOURCE.rglob("*.py")}
    return {".".join(parts).removesuffix(".__init__"): path for path, parts in found.items()}


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Package and name of everything that is imported anywhere in a file, whenever that happens."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("knarr"):
            yield from ((node.module, alias.name) for alias in node.names)


def test_nobody_is_known_by_whom_he_knows() -> None:
    known = modules()
    graph = {
        name: {
            target
            for package, part in imported(path)
            if (target := f"{package}.{part}" if f"{package}.{part}" in known else package) != name
        }
        for name, path in known.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None
