"""serviceAccountToken: a token bound to the pod, made anew when 80 % of its life is over (KEP-1205).

https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
"""

from __future__ import annotations

from knarr.client.objects import JSON, Object, View
from knarr.client.resources import SERVICE_ACCOUNTS
from knarr.kubelet.objects import Pod
from knarr.kubelet.volumes.payloads import File
from knarr.kubelet.volumes.source import Content, Payload, Site

_RENEW_AT = 0.8
_LONGEST = 24 * 3600.0  # a token is never used for longer than a day, however long it lives


class TokenSource(View, frozen=True):
    path: str
    audience: str = ""
    expiration_seconds: int = 3600


class TokenSpec(View, frozen=True):
    expiration_seconds: int = 3600


class TokenStatus(View, frozen=True):
    token: str = ""


class TokenRequest(Object, frozen=True):
    spec: TokenSpec = TokenSpec()
    status: TokenStatus = TokenStatus()


async def render(site: Site, source: TokenSource, mode: int) -> Payload:
    pod = site.pod
    name = pod.spec.service_account_name or "default"
    granted = await site.client.create(
        SERVICE_ACCOUNTS,
        _request(pod, source),
        pod.metadata.namespace,
        name=name,
        subresource="token",
        view=TokenRequest,
    )
    owner = _only_user(pod) if site.group is None else None
    private = owner is not None or site.group is not None
    token = File(granted.status.token.encode(), 0o600 if private else mode, owner)
    return Payload({source.path: token}, min(granted.spec.expiration_seconds * _RENEW_AT, _LONGEST))


def _request(pod: Pod, source: TokenSource) -> JSON:
    bound = {"apiVersion": "v1", "kind": "Pod", "name": pod.metadata.name, "uid": pod.uid}
    return {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {
            "audiences": [source.audience] if source.audience else [],
            "expirationSeconds": source.expiration_seconds,
            "boundObjectRef": bound,
        },
    }


def _only_user(pod: Pod) -> int | None:
    """The uid that all containers run as, where the pod says so: its files can be that user's alone."""
    of_pod = pod.spec.security_context.run_as_user
    containers = (*pod.spec.init_containers, *pod.spec.containers)
    own = (container.security_context.run_as_user for container in containers)
    users = {of_pod if user is None else user for user in own}
    return users.pop() if len(users) == 1 else None


CONTENT = Content("serviceAccountToken", TokenSource, render)
