"""What is allowed but hardly meant: warnings that go back with the answer to a write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.api.pods.mounts import containers
from knarr.machinery.names import dns1123_label

_Warnings = Callable[[JSON, JSON | None], Iterable[str]]
_POD_NAME = "this is used in the Pod's hostname, which can result in surprising behavior"
_BASE_NAME = "this is used in Pod names and hostnames, which can result in surprising behavior"


def pod_warnings(new: JSON, old: JSON | None) -> Iterator[str]:
    if old is None:
        yield from _name(new, _POD_NAME)
    yield from _spec(new, old, "spec")


def template_warnings(path: str = "spec.template.spec", *, names_pods: bool = True) -> _Warnings:
    """The warnings of a kind that has a template there."""

    def warnings(new: JSON, old: JSON | None) -> Iterator[str]:
        if old is None and names_pods:
            yield from _name(new, _BASE_NAME)
        yield from _spec(new, old, path)

    return warnings


def _name(obj: JSON, meaning: str) -> Iterator[str]:
    if complaints := dns1123_label(dig(obj, "metadata.name", "")):
        yield f"metadata.name: {meaning}; a DNS label is recommended: [{' '.join(complaints)}]"


def _spec(new: JSON, old: JSON | None, path: str) -> Iterator[str]:
    """Said when it becomes so, not with every later update."""
    spec = dig(new, path, {})
    if old is not None and dig(old, path) == spec:
        return
    for index, volume in enumerate(each(spec, "volumes")):
        if volume.get("gitRepo") is not None:
            yield f"{path}.volumes[{index}].gitRepo: deprecated in v1.11, and disabled by default in v1.33+"
    for where, container in containers(spec, path):
        yield from _variables(each(container, "env"), f"{where}.env")


def _variables(variables: list[JSON], path: str) -> Iterator[str]:
    names, seen = [variable.get("name") for variable in variables], set()
    if len(set(names)) == len(names):
        return
    for index, name in enumerate(names):
        if name in seen:
            yield f'{path}[{index}]: hides previous definition of "{name}", which may be dropped when using apply'
        seen.add(name)
