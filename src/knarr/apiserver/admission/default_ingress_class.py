"""DefaultIngressClass: an Ingress that names no class gets the default one, if there is one.

https://kubernetes.io/docs/concepts/services-networking/ingress/#default-ingress-class
"""

from __future__ import annotations

from knarr.api.classes import default_class
from knarr.apiserver.admission.plugin import Attributes, Plugin

_MARK = "ingressclass.kubernetes.io/is-default-class"
_CLASS_ANNOTATION = "kubernetes.io/ingress.class"


def mutate(attributes: Attributes) -> None:
    ingress = attributes.object or {}
    spec = ingress.setdefault("spec", {})
    if spec.get("ingressClassName") is not None:
        return
    if _CLASS_ANNOTATION in (ingress["metadata"].get("annotations") or {}):
        return
    if name := default_class(attributes.lister.list("networking.k8s.io", "ingressclasses"), _MARK):
        spec["ingressClassName"] = name


PLUGIN = Plugin(
    "DefaultIngressClass",
    mutate=mutate,
    operations=frozenset({"CREATE"}),
    resources=("ingresses.networking.k8s.io",),
)
