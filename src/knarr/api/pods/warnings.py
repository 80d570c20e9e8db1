"""What is allowed but hardly meant: warnings that go back with the answer to a write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.api.pods.mounts import containers
from knarr.api.pods.outdated import annotation_warnings, label_warnings, volume_warnings
from knarr.machinery.names import dns1123_label
from knarr.machinery.quantity import parse
from knarr.machinery.remembering import Remembered

_Warnings = Callable[[JSON, JSON | None], Iterable[str]]
_POD_NAME = "this is used in the Pod's hostname, which can result in surprising behavior"
_BASE_NAME = "this is used in Pod names and hostnames, which can result in surprising behavior"
_BYTES = ("memory", "ephemeral-storage", "storage")
_NO_SELECTOR = "a null labelSelector results in matching no pod"


def pod_warnings(new: JSON, old: JSON | None) -> Iterator[str]:
    if old is None:
        yield from _name(new, _POD_NAME)
        yield from annotation_warnings(new.get("metadata") or {}, "metadata")
    yield from _spec(new, old, "spec")


def template_warnings(path: str = "spec.template.spec", *, names_pods: bool = True) -> _Warnings:
    """The warnings of a kind that has a template there."""
    template = path.removesuffix(".spec")

    def warnings(new: JSON, old: JSON | None) -> Iterator[str]:
        if old is None and names_pods:
            yield from _name(new, _BASE_NAME)
        if old is None or dig(new, template) != dig(old, template):
            yield from annotation_warnings(dig(new, f"{template}.metadata", {}), f"{template}.metadata")
        yield from _spec(new, old, path)

    return warnings


def _name(obj: JSON, meaning: str) -> Iterator[str]:
    if complaints := dns1123_label(dig(obj, "metadata.name", "")):
        yield f"metadata.name: {meaning}; a DNS label is recommended: [{' '.join(complaints)}]"


def _spec(new: JSON, old: JSON | None, path: str) -> Iterator[str]:
    """Said when it becomes so, not with every later update."""
    spec = dig(new, path, {})
    if old is None or dig(old, path) != spec:
        yield from _found_at(path)(spec)


@cache
def _found_at(path: str) -> Callable[[JSON], Sequence[str]]:
    return Remembered(lambda spec: tuple(_found(spec, path)))


def _found(spec: JSON, path: str) -> Iterator[str]:
    yield from label_warnings(spec, path)
    yield from volume_warnings(spec.get("volumes") or (), f"{path}.volumes")
    yield from _secrets(spec.get("imagePullSecrets") or (), f"{path}.imagePullSecrets")
    yield from _aliases(spec.get("hostAliases") or (), f"{path}.hostAliases")
    yield from _selectors(spec, path)
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        where = f"{path}.terminationGracePeriodSeconds"
        yield f"{where}: must be >= 0; negative values are invalid and will be treated as 1"
    for where, container in containers(spec, path):
        yield from _variables(container.get("env") or (), f"{where}.env")
        yield from fractions(container.get("resources") or {}, f"{where}.resources")
    yield from _ports(spec, path)


def fractions(resources: JSON, path: str) -> Iterator[str]:
    """There are no parts of bytes."""
    for side in ("limits", "requests"):
        amounts = resources.get(side) or {}
        for name in _BYTES:
            if (amount := amounts.get(name)) and parse(amount).milli % 1000:
                yield f'{path}.{side}[{name}]: fractional byte value "{amount}" is invalid, must be an integer'


def _variables(variables: Iterable[JSON], path: str) -> Iterator[str]:
    names, seen = [variable.get("name") for variable in variables], set()
    if len(set(names)) == len(names):
        return
    for index, name in enumerate(names):
        if name in seen:
            yield f'{path}[{index}]: hides previous definition of "{name}", which may be dropped when using apply'
        seen.add(name)


def _secrets(secrets: Iterable[JSON], path: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, secret in enumerate(secrets):
        name = secret.get("name") or ""
        if not name:
            yield f'{path}[{index}].name: invalid empty name ""'
        elif name in seen:
            yield f'{path}[{index}].name: duplicate name "{name}"'
        seen.add(name)


def _aliases(aliases: Iterable[JSON], path: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, alias in enumerate(aliases):
        if (address := alias.get("ip") or "") in seen:
            yield f'{path}[{index}].ip: duplicate ip "{address}"'
        seen.add(address)


def _selectors(spec: JSON, path: str) -> Iterator[str]:
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        if constraint.get("labelSelector") is None:
            yield f"{path}.topologySpreadConstraints[{index}].labelSelector: {_NO_SELECTOR}"
    affinity = spec.get("affinity") or {}
    for sort in ("podAffinity", "podAntiAffinity"):
        for where, term in _terms(affinity.get(sort) or {}, f"{path}.affinity.{sort}"):
            if term.get("labelSelector") is None:
                yield f"{where}.labelSelector: {_NO_SELECTOR}"


def _terms(affinity: JSON, path: str) -> Iterator[tuple[str, JSON]]:
    required, preferred = (f"{name}DuringSchedulingIgnoredDuringExecution" for name in ("required", "preferred"))
    for index, term in enumerate(each(affinity, required)):
        yield f"{path}.{required}[{index}]", term
    for index, weighted in enumerate(each(affinity, preferred)):
        yield f"{path}.{preferred}[{index}].podAffinityTerm", weighted.get("podAffinityTerm") or {}


def _ports(spec: JSON, path: str) -> Iterator[str]:
    """Two containers of a Pod cannot listen on the same port, and a name leads to one of them alone."""
    numbers: dict[tuple[object, ...], str] = {}
    names: dict[str, str] = {}
    for index, container in enumerate(spec.get("containers") or ()):
        for number, port in enumerate(container.get("ports") or ()):
            where, name = f"{path}.containers[{index}].ports[{number}]", port.get("name")
            key = tuple(port.get(part) for part in ("containerPort", "protocol", "hostIP", "hostPort"))
            if (first := numbers.setdefault(key, where)) != where:
                yield f"{where}: duplicate port definition with {first}"
            if name and (first := names.setdefault(name, where)) != where:
                yield (
                    f'{where}.name: duplicate port name "{name}" with {first}, '
                    f"services and probes that select ports by name will use {first}"
                )
