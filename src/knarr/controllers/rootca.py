"""Every namespace has a ConfigMap with the certificate by which its Pods recognise the API server."""

from __future__ import annotations

from knarr.client.objects import Object
from knarr.client.resources import CONFIG_MAPS, NAMESPACES
from knarr.controllers.namespaces import Namespace, of_namespace, provide
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch

NAME, KEY = "kube-root-ca.crt", "ca.crt"
SETTING = "root-ca-file"  # the certificate itself, in PEM
ANNOTATION = "kubernetes.io/description"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


class ConfigMap(Object, frozen=True):
    data: dict[str, str] = {}


async def reconcile(context: Context, key: str) -> None:
    """Give the namespace of this name the ConfigMap, or mend its contents."""
    certificate = context.settings.get(SETTING)
    namespace = context.cache(NAMESPACES, Namespace).get(key)
    if not certificate or namespace is None or not namespace.active:
        return
    found, data = context.cache(CONFIG_MAPS, ConfigMap).get(f"{key}/{NAME}"), {KEY: certificate}
    if found is None:
        metadata = {"name": NAME, "namespace": key, "annotations": {ANNOTATION: DESCRIPTION}}
        await provide(context, CONFIG_MAPS, {"metadata": metadata, "data": data}, key)
    elif found.data != data or not found.metadata.annotations.get(ANNOTATION):
        await _mend(context, key, data)


async def _mend(context: Context, namespace: str, data: dict[str, str]) -> None:
    """Replace the data and say what they are; leave the rest as it is."""
    named = f"metadata.name={NAME}"
    for known in (await context.reader.list(CONFIG_MAPS, namespace, field_selector=named, view=dict)).items:
        metadata = known["metadata"]
        described = {**metadata, "annotations": {**metadata.get("annotations", {}), ANNOTATION: DESCRIPTION}}
        await context.client.update(CONFIG_MAPS, {**known, "metadata": described, "data": data}, NAME, namespace)


CONTROLLER = Controller(
    name="root-ca-cert-publisher",
    queue="root_ca_cert_publisher",
    watches=(
        Watch(NAMESPACES, Namespace),
        Watch(CONFIG_MAPS, ConfigMap, keys=of_namespace, field_selector=f"metadata.name={NAME}"),
    ),
    reconcile=reconcile,
    may={"configmaps": "create update"},
)
