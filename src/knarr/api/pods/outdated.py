"""What Pods should no longer say: labels of nodes, annotations and volumes that have had their day.

https://kubernetes.io/docs/reference/labels-annotations-taints/
https://kubernetes.io/docs/concepts/storage/volumes/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from knarr.api.kind import JSON
from knarr.machinery.quantity import parse

_NODE_LABELS = {  # since when, and what is in their place
    "beta.kubernetes.io/arch": ("v1.14", "kubernetes.io/arch"),
    "beta.kubernetes.io/os": ("v1.14", "kubernetes.io/os"),
    "failure-domain.beta.kubernetes.io/region": ("v1.17", "topology.kubernetes.io/region"),
    "failure-domain.beta.kubernetes.io/zone": ("v1.17", "topology.kubernetes.io/zone"),
    "beta.kubernetes.io/instance-type": ("v1.17", "node.kubernetes.io/instance-type"),
}
_ANNOTATIONS = {  # by their beginnings
    "seccomp.security.alpha.kubernetes.io/pod": 'non-functional in v1.27+; use the "seccompProfile" field instead',
    "container.seccomp.security.alpha.kubernetes.io/": (
        'non-functional in v1.27+; use the "seccompProfile" field instead'
    ),
    "container.apparmor.security.beta.kubernetes.io/": (
        'deprecated since v1.30; use the "appArmorProfile" field instead'
    ),
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_VOLUMES = {
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
}


def label_warnings(spec: JSON, path: str) -> Iterator[str]:
    """In what a Pod asks of its node, and as keys of its spread."""
    yield from selector_warnings(spec.get("nodeSelector") or {}, f"{path}.nodeSelector")
    if affinity := (spec.get("affinity") or {}).get("nodeAffinity"):
        yield from affinity_warnings(affinity, f"{path}.affinity.nodeAffinity")
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        if (key := constraint.get("topologyKey")) in _NODE_LABELS:
            yield f"{path}.topologySpreadConstraints[{index}].topologyKey: {key} is {_instead(key)}"


def affinity_warnings(affinity: JSON, path: str) -> Iterator[str]:
    """In an affinity to nodes."""
    needed, wished = (f"{name}DuringSchedulingIgnoredDuringExecution" for name in ("required", "preferred"))
    for index, term in enumerate((affinity.get(needed) or {}).get("nodeSelectorTerms") or ()):
        yield from term_warnings(term, f"{path}.{needed}.nodeSelectorTerms[{index}]")
    for index, choice in enumerate(affinity.get(wished) or ()):
        yield from term_warnings(choice.get("preference") or {}, f"{path}.{wished}[{index}].preference")


def term_warnings(term: JSON, path: str) -> Iterator[str]:
    """In a term that selects nodes."""
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        if (key := requirement.get("key")) in _NODE_LABELS:
            yield f"{path}.matchExpressions[{index}].key: {key} is {_instead(key)}"


def selector_warnings(selector: JSON, path: str) -> Iterator[str]:
    for label in sorted(selector.keys() & _NODE_LABELS.keys()):
        yield f"{path}[{label}]: {_instead(label)}"


def _instead(label: str) -> str:
    since, instead = _NODE_LABELS[label]
    return f'deprecated since {since}; use "{instead}" instead'


def annotation_warnings(metadata: JSON, path: str) -> Iterator[str]:
    for name in metadata.get("annotations") or ():
        for beginning, text in _ANNOTATIONS.items():
            if name == beginning or (beginning.endswith("/") and name.startswith(beginning)):
                yield f"{path}.annotations[{name}]: {text}"


def volume_warnings(given: Iterable[JSON], path: str) -> Iterator[str]:
    for index, volume in enumerate(given):
        for source in volume.keys() & _VOLUMES.keys():
            yield f"{path}[{index}].{source}: {_VOLUMES[source]}"
        limit = (volume.get("emptyDir") or {}).get("sizeLimit")
        if limit is not None and parse(limit).milli % 1000:
            where = f"{path}[{index}].emptyDir.sizeLimit"
            yield f'{where}: fractional byte value "{limit}" is invalid, must be an integer'
