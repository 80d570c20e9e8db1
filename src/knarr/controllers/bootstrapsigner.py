"""The ConfigMap `cluster-info` is signed with each bootstrap token that may sign: who has one knows the cluster by it.

A signature is a detached JWS (RFC 7515, appendix F) of the kubeconfig, by HS256 with the token's secret.
https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#configmap-signing
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping

import msgspec

from knarr.api.bootstraptokens import NAMESPACE, PREFIX, SIGNS, TOKEN_ID, TOKEN_SECRET, remaining, texts
from knarr.client.objects import JSON, Object
from knarr.client.resources import CONFIG_MAPS, SECRETS
from knarr.controllers.replacing import replace
from knarr.controllers.tokens import OF_BOOTSTRAPPERS, BootstrapToken
from knarr.runtime.context import Context
from knarr.runtime.controller import After, Controller, Watch

PUBLIC, NAME = "kube-public", "cluster-info"
CONTENT, SIGNATURE = "kubeconfig", "jws-kubeconfig-"  # keys of its data; a token's id is behind the second


class Signed(Object, frozen=True):
    data: dict[str, str] = {}


def signature(content: str, identity: str, secret: str) -> str:
    """The content signed with a token; what is signed is left out."""
    head, body = _base64(msgspec.json.encode({"alg": "HS256", "kid": identity})), _base64(content.encode())
    digest = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}..{_base64(digest)}"


async def reconcile(context: Context, key: str) -> After | None:
    """Make the signatures be those of the tokens that there are, and look again when the first of them is over."""
    found = context.cache(CONFIG_MAPS, Signed).get(key)
    if found is None or found.metadata.namespace != PUBLIC or CONTENT not in found.data:
        return None
    tokens, again = _tokens(context)
    wanted = {f"{SIGNATURE}{name}": signature(found.data[CONTENT], name, token) for name, token in tokens.items()}
    present = {name: value for name, value in found.data.items() if name.startswith(SIGNATURE)}
    if wanted != present:
        change: JSON = {"data": {**dict.fromkeys(present), **wanted}}
        change["metadata"] = {"resourceVersion": found.metadata.resource_version}
        await replace(context.client, CONFIG_MAPS, NAME, change, PUBLIC)
    return again


def _tokens(context: Context) -> tuple[Mapping[str, str], After | None]:
    """The secrets of the tokens that sign, by their ids, and when the first will be over."""
    now, found, ends = context.clock.now(), {}, []
    for known in context.cache(SECRETS, BootstrapToken).list(NAMESPACE):
        data = texts(known.data)
        name, secret, left = data.get(TOKEN_ID, ""), data.get(TOKEN_SECRET, ""), remaining(data, now)
        named = bool(name) and known.metadata.name == f"{PREFIX}{name}"
        if named and secret and data.get(SIGNS) == "true" and (left is None or left > 0):
            found[name] = secret
            ends += [left] if left is not None else []
    return found, After(min(ends)) if ends else None


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signed(token: BootstrapToken) -> Iterable[str]:
    return (f"{PUBLIC}/{NAME}",)


CONTROLLER = Controller(
    name="bootstrap-signer-controller",
    account="bootstrap-signer",
    queue="bootstrap_signer_queue",
    watches=(
        Watch(CONFIG_MAPS, Signed, field_selector=f"metadata.name={NAME}"),
        Watch(SECRETS, BootstrapToken, keys=_signed, field_selector=OF_BOOTSTRAPPERS),
    ),
    reconcile=reconcile,
    may={"configmaps": "get", "configmaps=cluster-info": "update"},
)
