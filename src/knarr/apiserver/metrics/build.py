"""What runs here: its version, and which of upstream's features it has."""

from __future__ import annotations

from collections.abc import Mapping

from knarr.apiserver.metrics.metrics import Metrics
from knarr.machinery.figures import Family

BUILD = Family(
    "kubernetes_build_info",
    "gauge",
    "A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, "
    "Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
    (
        "build_date",
        "compiler",
        "git_commit",
        "git_tree_state",
        "git_version",
        "go_version",
        "major",
        "minor",
        "platform",
    ),
)
FEATURES = Family(
    "kubernetes_feature_enabled",
    "gauge",
    "This metric records the data about the stage and enablement of a k8s feature.",
    ("name", "stage"),
)

# Of the gates that a client can tell from outside how they are: their stage in 1.36, and whether they are on here.
_GATES: tuple[tuple[str, str, bool], ...] = (
    ("CBORServingAndStorage", "ALPHA", False),
    ("ComponentFlagz", "BETA", True),
    ("ComponentStatusz", "BETA", True),
    ("ConsistentListFromCache", "", True),
    ("MutatingAdmissionPolicy", "", True),
    ("StreamingCollectionEncodingToJSON", "", True),
    ("StreamingCollectionEncodingToProtobuf", "", True),
    ("WatchList", "BETA", True),
)


def tell_of_build(metrics: Metrics, version: Mapping[str, str]) -> None:
    """`version` is the document at /version."""
    metrics.count(BUILD, tuple(version[_camel(name)] for name in BUILD.labels)).n = 1
    metrics.ask(FEATURES, lambda: (((name, stage), on) for name, stage, on in _GATES))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
