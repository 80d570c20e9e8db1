"""Approved requests of Kubernetes' own signers get their certificates, or the reason why they never will.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from datetime import datetime, timedelta

from knarr.api.certificates import Wanted
from knarr.api.signers import API_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY_UNKNOWN, REFUSALS
from knarr.client.resources import SIGNING_REQUESTS
from knarr.controllers.signingrequests import SigningRequest, fail, issue, read
from knarr.machinery.times import parse_duration
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch

SETTINGS = {  # what each signer's own files are called: cluster-signing-<...>-cert-file, and -key-file, in PEM
    API_CLIENT: "kube-apiserver-client-",
    KUBELET_CLIENT: "kubelet-client-",
    KUBELET_SERVING: "kubelet-serving-",
    LEGACY_UNKNOWN: "legacy-unknown-",
}
DURATION, YEAR = "cluster-signing-duration", "8760h"
SHORTEST = timedelta(minutes=10)


async def reconcile(context: Context, key: str) -> None:
    """Sign the request of this name, if it is approved and its signer is one of ours."""
    request = context.cache(SIGNING_REQUESTS, SigningRequest).get(key)
    if request is None or not request.unanswered or not _signs(context.settings, request.spec.signer_name):
        return
    wanted = await read(request)
    if refusal := REFUSALS[request.spec.signer_name](wanted, request.spec.usages):
        await fail(context, request, refusal)
    else:
        signed = await asyncio.to_thread(certificate, context.settings, request, wanted, context.clock.now())
        await issue(context, request, base64.b64encode(signed).decode())


def certificate(settings: Mapping[str, str], request: SigningRequest, wanted: Wanted, now: datetime) -> bytes:
    """What the request is for, in PEM; for a thread, as keys and their library take their time.

    Raises ValueError where the authority's files are no good.
    """
    from knarr.controllers.authority import Authority

    files = (settings[name].encode() for name in _files(settings, request.spec.signer_name))
    longest = timedelta(seconds=parse_duration(settings.get(DURATION, YEAR)))
    return Authority.read(*files).sign(wanted, request.spec.usages, _life(request, longest), now)


def _life(request: SigningRequest, longest: timedelta) -> timedelta:
    seconds = request.spec.expiration_seconds
    return longest if seconds is None else min(max(timedelta(seconds=seconds), SHORTEST), longest)


def _signs(settings: Mapping[str, str], signer: str) -> bool:
    return signer in SETTINGS and all(name in settings for name in _files(settings, signer))


def _files(settings: Mapping[str, str], signer: str) -> tuple[str, str]:
    """The settings of an authority's certificate and key: once one signer has its own, those of all hold no more."""
    own = any(f"cluster-signing-{name}cert-file" in settings for name in SETTINGS.values())
    name = f"cluster-signing-{SETTINGS[signer] if own else ''}"
    return f"{name}cert-file", f"{name}key-file"


CONTROLLER = Controller(
    name="certificatesigningrequest-signing-controller",
    queue="certificate",
    watches=(Watch(SIGNING_REQUESTS, SigningRequest),),
    reconcile=reconcile,
    account="certificate-controller",
    workers=5,
    may={
        "certificatesigningrequests.certificates.k8s.io": "get",
        "certificatesigningrequests.certificates.k8s.io/status": "update",
        **{f"signers.certificates.k8s.io={signer}": "sign" for signer in SETTINGS},
    },
)
