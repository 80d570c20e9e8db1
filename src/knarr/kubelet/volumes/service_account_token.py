"""serviceAccountToken: a token bound to the pod, made anew when 80 % of its life or a day is over (KEP-1205).

https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
"""

from __future__ import annotations

import logging
import zlib

from knarr.client.objects import JSON, Object, View
from knarr.client.resources import SERVICE_ACCOUNTS
from knarr.kubelet.objects import Pod
from knarr.kubelet.volumes.payloads import File
from knarr.kubelet.volumes.source import Content, Payload, Site, Token
from knarr.machinery.errors import APIError

log = logging.getLogger(__name__)

_RENEW_AT = 0.8
_LONGEST = 24 * 3600.0  # a token is never used for longer than a day, however long it lives
_SPREAD = 10.0  # seconds: Pods that were made at once do not ask at once
_RETRY = 30.0  # seconds after a renewal that failed


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
    """The token at hand, as long as it is good: a ConfigMap beside it may change often."""
    token = site.tokens[source.path] = await _token(site, source)
    owner = _only_user(site.pod)
    private = owner is not None or site.group is not None
    file = File(token.text.encode(), 0o600 if private else mode, owner)
    return Payload({source.path: file}, max(token.renew_at - site.clock.monotonic(), 0.0))


async def _token(site: Site, source: TokenSource) -> Token:
    """The one before as long as it is young, and where there is no other to be had, as long as it lives."""
    known, now = site.tokens.get(source.path), site.clock.monotonic()
    if known and now < known.renew_at:
        return known
    try:
        return await _grant(site, source)
    except (APIError, OSError) as error:
        if known is None or now >= known.ends_at:
            raise
        log.warning("the token %s of pod %s cannot be renewed: %s", source.path, site.pod.metadata.key, error)
        return Token(known.text, now + _RETRY, known.ends_at)


async def _grant(site: Site, source: TokenSource) -> Token:
    asked = site.clock.monotonic()
    granted = await site.client.create(
        SERVICE_ACCOUNTS,
        _request(site.pod, source),
        site.pod.metadata.namespace,
        name=site.pod.spec.service_account_name or "default",
        subresource="token",
        view=TokenRequest,
    )
    life = granted.spec.expiration_seconds
    young = min(life * _RENEW_AT, _LONGEST) - _share(site.pod.uid) * _SPREAD
    return Token(granted.status.token, asked + young, asked + life)


def _share(uid: str) -> float:
    """A number from 0 to 1 that each Pod has for itself."""
    return zlib.crc32(uid.encode()) / (1 << 32)


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
