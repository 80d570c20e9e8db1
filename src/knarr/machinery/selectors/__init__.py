"""Selectors: which labels or fields an object must have.

Grammar and messages are those of k8s.io/apimachinery, pkg/labels and pkg/fields.
"""

from knarr.machinery.selectors.fields import FieldRequirement, FieldSelector, parse_fields
from knarr.machinery.selectors.labels import EVERYTHING, NOTHING, LabelSelector, Requirement, SelectorError
from knarr.machinery.selectors.objects import from_label_selector, from_map, from_node_expressions
from knarr.machinery.selectors.parsing import parse_labels

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "FieldRequirement",
    "FieldSelector",
    "LabelSelector",
    "Requirement",
    "SelectorError",
    "from_label_selector",
    "from_map",
    "from_node_expressions",
    "parse_fields",
    "parse_labels",
]
