"""PodTopologyLabels: a Pod carries the zone and the region of its node, so that it can read them of itself (KEP-4742).

The labels go into the binding, or, where a Pod is created on its node, into the Pod.
"""

from __future__ import annotations

from knarr.apiserver.admission.plugin import Attributes, Plugin

LABELS = ("topology.kubernetes.io/zone", "topology.kubernetes.io/region")


def mutate(attributes: Attributes) -> None:
    tree = attributes.object
    if tree is None or attributes.subresource not in ("", "binding"):
        return
    binds = attributes.subresource == "binding"
    node = (tree.get("target") or {}).get("name") if binds else tree["spec"].get("nodeName")
    labels = attributes.lister.labels("", "nodes", "", node) if node else {}
    if found := {label: labels[label] for label in LABELS if label in labels}:
        metadata = tree.setdefault("metadata", {})
        metadata["labels"] = {**(metadata.get("labels") or {}), **found}


PLUGIN = Plugin(
    "PodTopologyLabels", mutate=mutate, operations=frozenset({"CREATE"}), resources=("pods",), subresources=True
)
