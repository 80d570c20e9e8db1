"""Conversion of custom resources by a webhook: ConversionReview (apiextensions.k8s.io/v1, or v1beta1 where asked).

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-conversion
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec
import orjson

from knarr.api.kind import JSON
from knarr.api.webhooks import REVIEW_VERSIONS
from knarr.apiserver.outbound import CallError, Webhooks, client_config_target
from knarr.machinery.errors import InternalError

TIMEOUT = 30.0  # seconds
_GROUP = "apiextensions.k8s.io"
_THEIRS = ("labels", "annotations")  # what a webhook may change of an object's metadata


class _RefusedError(Exception):
    """An answer that is none."""


class WebhookConverter:
    """A `Converter`: many objects, one call."""

    def __init__(self, webhooks: Webhooks, spec: JSON) -> None:
        webhook = spec["conversion"]["webhook"]
        self._webhooks, self._target = webhooks, client_config_target(webhook["clientConfig"])
        named = webhook["conversionReviewVersions"]
        self._version = next(version for version in named if version in REVIEW_VERSIONS)
        self._kind = spec["names"]["kind"]

    async def convert(self, trees: Sequence[JSON], api_version: str) -> list[JSON]:
        """The objects in another version; what is in it already is not sent. Raises InternalError."""
        others = [tree for tree in trees if tree["apiVersion"] != api_version]
        if not others:
            return list(trees)
        try:
            answers = iter(await self._ask(others, api_version))
        except (CallError, _RefusedError) as error:
            what = f"{others[0]['apiVersion']}, Kind={self._kind}"
            raise InternalError(f"conversion webhook for {what} failed: {error}") from None
        return [tree if tree["apiVersion"] == api_version else next(answers) for tree in trees]

    async def _ask(self, trees: list[JSON], api_version: str) -> list[JSON]:
        uid = str(uuid.uuid4())
        request = {"uid": uid, "desiredAPIVersion": api_version, "objects": trees}
        spoken = f"{_GROUP}/{self._version}"
        review = {"kind": "ConversionReview", "apiVersion": spoken, "request": request}
        answer = await self._webhooks.call(self._target, msgspec.json.encode(review), TIMEOUT)
        converted = _objects(answer, spoken, uid)
        if len(converted) != len(trees):
            raise _RefusedError(f"returned {len(converted)} objects, expected {len(trees)}")
        return [_held(old, new, api_version, at) for at, (old, new) in enumerate(zip(trees, converted, strict=True))]


def _objects(answer: bytes, api_version: str, uid: str) -> list[JSON]:
    try:
        review = orjson.loads(answer)
    except orjson.JSONDecodeError as error:
        raise _RefusedError(str(error)) from None
    found = (review.get("apiVersion"), review.get("kind")) if isinstance(review, dict) else ("", "")
    if found != (api_version, "ConversionReview"):
        wanted = f"{api_version}, Kind=ConversionReview"
        raise _RefusedError(f"expected webhook response of {wanted}, got {found[0]}, Kind={found[1]}")
    response = review.get("response")
    if not response:
        raise _RefusedError("no response provided")
    if response.get("uid") != uid:
        raise _RefusedError(f'expected response.uid="{uid}", got "{response.get("uid", "")}"')
    result = response.get("result") or {}
    if result.get("status") != "Success":
        what = f"response.result.status was '{result.get('status', '')}', not 'Success'"
        raise _RefusedError(result.get("message") or result.get("reason") or what)
    objects: list[JSON] = response.get("convertedObjects") or []
    return objects


def _held(old: JSON, new: JSON, api_version: str, at: int) -> JSON:
    """A converted object, which is still the same one: only its labels and annotations may have changed."""
    metadata = new.get("metadata")
    where = f"invalid converted object at index {at}"
    if not isinstance(metadata, dict):
        raise _RefusedError(f"{where}: missing metadata in converted object")
    if new.get("apiVersion") != api_version:
        raise _RefusedError(f"{where}: invalid groupVersion (expected {api_version}, received {new.get('apiVersion')})")
    if new.get("kind") != old["kind"]:
        raise _RefusedError(f"{where}: must have the same kind: {old['kind']} != {new.get('kind')}")
    for name in ("name", "namespace", "uid"):
        if metadata.get(name, "") != old["metadata"].get(name, ""):
            wanted, found = old["metadata"].get(name, ""), metadata.get(name, "")
            shown = "UID" if name == "uid" else name
            raise _RefusedError(f"{where}: must have the same {shown}: {wanted} != {found}")
    kept = {name: value for name, value in old["metadata"].items() if name not in _THEIRS}
    return {**new, "metadata": {**kept, **{name: metadata[name] for name in _THEIRS if metadata.get(name)}}}
