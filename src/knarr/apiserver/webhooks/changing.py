"""What a mutating webhook's patch makes of the object."""

from __future__ import annotations

from typing import Any

import orjson

from knarr.api.kind import JSON
from knarr.apiserver.admission.matching import Match
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.admission.replacing import broken, replace
from knarr.machinery.patches import PatchError, json_patch


async def change(attributes: Attributes, match: Match, webhook: str, patch: bytes, before: Any) -> bool:
    """Apply the patch to what the webhook was shown, and put the result in the object's place; whether it differs.

    Raises InternalError for a patch that cannot be applied, or whose result is no object of its kind any more.
    """
    operations = _operations(patch)
    if not operations:
        return False
    if attributes.object is None:
        why = "attempted to modify the object, which is not supported for this operation"
        raise broken(f'admission webhook "{webhook}" {why}')
    try:
        after = json_patch(before, operations)
    except PatchError as error:
        raise broken(str(error)) from None
    return await replace(attributes, match, before, after)


def _operations(patch: bytes) -> list[JSON]:
    try:
        operations = orjson.loads(patch) if patch else []
    except orjson.JSONDecodeError as error:
        raise broken(f"the patch is no JSON: {error}") from None
    if not isinstance(operations, list):
        raise broken("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    return operations
