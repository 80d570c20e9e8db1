"""What a Pod refers to, and its kubelet may therefore read.

https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.api.pods.mirrors import is_mirror

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_SECRETS = {  # where volumes of these sorts name one
    "azureFile": "secretName",
    "cephfs": "secretRef.name",
    "csi": "nodePublishSecretRef.name",
    "flexVolume": "secretRef.name",
    "iscsi": "secretRef.name",
    "rbd": "secretRef.name",
    "scaleIO": "secretRef.name",
    "secret": "secretName",
    "storageos": "secretRef.name",
}


def references(pod: JSON) -> frozenset[tuple[str, str]]:
    """Plurals and names of what is in the Pod's own namespace. A mirror Pod gives its kubelet nothing."""
    if is_mirror(pod):
        return frozenset()
    return frozenset((plural, name) for plural, name in _all(pod) if name)


def volume_secrets(volume: JSON) -> frozenset[tuple[str, str]]:
    """Namespaces and names of the Secrets by which a PersistentVolume is mounted, in its claim's where not said."""
    home, spec = dig(volume, "spec.claimRef.namespace", ""), volume.get("spec") or {}
    return frozenset(_secret(spec[source], path, home) for source, path in _SECRETS.items() if spec.get(source))


def _secret(source: JSON, path: str, home: str) -> tuple[str, str]:
    if path == "secretName":
        return source.get("secretNamespace") or home, dig(source, path, "")
    return dig(source, path.replace("name", "namespace")) or home, dig(source, path, "")


def _all(pod: JSON) -> Iterator[tuple[str, str]]:
    spec = pod.get("spec") or {}
    yield "serviceaccounts", dig(spec, "serviceAccountName", "")
    yield from (("secrets", dig(secret, "name", "")) for secret in each(spec, "imagePullSecrets"))
    for sort in _CONTAINERS:
        for container in each(spec, sort):
            yield from _of_container(container)
    for volume in each(spec, "volumes"):
        yield from _of_volume(volume, pod["metadata"]["name"])
    yield from (("resourceclaims", dig(claim, "resourceClaimName", "")) for claim in each(spec, "resourceClaims"))
    claimed = each(pod, "status.resourceClaimStatuses")
    yield from (("resourceclaims", dig(claim, "resourceClaimName", "")) for claim in claimed)


def _of_container(container: JSON) -> Iterator[tuple[str, str]]:
    for source in each(container, "envFrom"):
        yield "secrets", dig(source, "secretRef.name", "")
        yield "configmaps", dig(source, "configMapRef.name", "")
    for variable in each(container, "env"):
        yield "secrets", dig(variable, "valueFrom.secretKeyRef.name", "")
        yield "configmaps", dig(variable, "valueFrom.configMapKeyRef.name", "")


def _of_volume(volume: JSON, pod: str) -> Iterator[tuple[str, str]]:
    yield from (("secrets", dig(volume, f"{source}.{path}", "")) for source, path in _SECRETS.items())
    yield "configmaps", dig(volume, "configMap.name", "")
    yield "persistentvolumeclaims", dig(volume, "persistentVolumeClaim.claimName", "")
    if volume.get("ephemeral"):
        yield "persistentvolumeclaims", f"{pod}-{volume['name']}"
    for source in each(volume, "projected.sources"):
        yield "secrets", dig(source, "secret.name", "")
        yield "configmaps", dig(source, "configMap.name", "")
