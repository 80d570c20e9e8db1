"""ServiceAccount: every Pod runs as one, and finds its token, the cluster's CA and its namespace mounted.

https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#serviceaccount-admission-controller
"""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.kind import JSON
from knarr.api.pods.mirrors import is_mirror
from knarr.api.pods.secrets import LATE, foreign_in_containers, foreign_secrets
from knarr.apiserver.admission.plugin import Attributes, AwaitedError, Plugin
from knarr.machinery import names

DEFAULT = "default"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
TOKEN_SECONDS = 3607  # one hour, and a few seconds by which upstream recognises its own default
FILE_MODE = 0o644
ENFORCED = "kubernetes.io/enforce-mountable-secrets"


def mutate(attributes: Attributes) -> None:
    if attributes.operation != "CREATE" or attributes.subresource:
        return
    pod = attributes.object or {}
    spec = pod["spec"]
    if is_mirror(pod):
        _check_mirror(attributes, spec)
        return
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or DEFAULT
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = attributes.lister.get("", "serviceaccounts", attributes.namespace, name)
    if account is None:
        raise _missing(attributes, name)
    if _wants_token(spec, account):
        _mount_token(spec)
    if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [{"name": secret.get("name", "")} for secret in account["imagePullSecrets"]]


def validate(attributes: Attributes) -> None:
    """Where the account says that only its own secrets are mounted, no others are."""
    creates = attributes.operation == "CREATE" and not attributes.subresource
    pod = attributes.object or {}
    if not creates and attributes.subresource != "ephemeralcontainers":
        return
    if is_mirror(pod):
        return
    name = pod["spec"].get("serviceAccountName", "")
    account = attributes.lister.get("", "serviceaccounts", attributes.namespace, name)
    if account is None or (account["metadata"].get("annotations") or {}).get(ENFORCED) != "true":
        return
    foreign = foreign_secrets(pod["spec"], account) if creates else foreign_in_containers(pod["spec"], account, LATE)
    if why := next(foreign, None):
        raise attributes.forbidden(why)


def _missing(attributes: Attributes, name: str) -> Exception:
    """Every namespace gets its default account, so the first Pod of a new one waits for it, as upstream's does."""
    namespace = attributes.namespace
    why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
    refusal = attributes.forbidden(why)
    return AwaitedError(refusal, "", "serviceaccounts", namespace, name) if name == DEFAULT else refusal


def _check_mirror(attributes: Attributes, spec: JSON) -> None:
    """A static Pod's mirror has no account: its node already runs it without."""
    if spec.get("serviceAccountName"):
        raise attributes.forbidden("a mirror pod may not reference service accounts")
    if any("secret" in volume for volume in spec.get("volumes") or ()):
        raise attributes.forbidden("a mirror pod may not reference secrets")


def _wants_token(spec: JSON, account: JSON) -> bool:
    """The Pod's word counts before the account's; silence is consent."""
    said = spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken"))
    return said is not False


def _mount_token(spec: JSON) -> None:
    """Mount the token where a container has nothing at its path; the volume is added only if one needs it.

    Its name is upstream's in form and no other volume's, but not random: Pods of one template stay the same text, by
    which it is known that they are valid, what they deserve to be warned of, and more.
    """
    volumes = spec.get("volumes") or []
    known = next((v["name"] for v in volumes if v.get("name", "").startswith(VOLUME_PREFIX)), None)
    name = known or VOLUME_PREFIX + names.derived_suffix(spec["serviceAccountName"])
    bare = [c for c in _containers(spec) if all(m.get("mountPath") != MOUNT_PATH for m in c.get("volumeMounts") or ())]
    for container in bare:
        mount = {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
    if bare and not known:
        spec["volumes"] = [*volumes, token_volume(name)]


def _containers(spec: JSON) -> Iterator[JSON]:
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def token_volume(name: str) -> JSON:
    """The projected volume that the mount shows."""
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": FILE_MODE}}


PLUGIN = Plugin("ServiceAccount", mutate=mutate, validate=validate, resources=("pods",), subresources=True)
