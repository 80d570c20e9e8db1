"""What controllers read of requests for certificates, and how they write what they have found."""

from __future__ import annotations

import asyncio

from knarr.api.certificates import Wanted, read_request
from knarr.client.objects import JSON, Object, View
from knarr.client.resources import SIGNING_REQUESTS
from knarr.controllers.objects import Condition, condition_of
from knarr.machinery.errors import NotFound
from knarr.runtime.context import Context
from knarr.runtime.controller import TerminalError


class RequestSpec(View, frozen=True):
    request: bytes = b""
    signer_name: str = ""
    usages: tuple[str, ...] = ()
    expiration_seconds: int | None = None
    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, list[str]] = {}


class RequestStatus(View, frozen=True):
    certificate: bytes = b""
    conditions: tuple[Condition, ...] = ()


class SigningRequest(Object, frozen=True):
    spec: RequestSpec = RequestSpec()
    status: RequestStatus = RequestStatus()

    def is_(self, verdict: str) -> bool:
        """Whether it is Approved, Denied or Failed."""
        return condition_of(self.status.conditions, verdict) is not None

    @property
    def unanswered(self) -> bool:
        """Whether it is approved, and its signer has not had its say yet."""
        decided = self.status.certificate or self.is_("Denied") or self.is_("Failed")
        return self.is_("Approved") and not decided

    @property
    def pending(self) -> bool:
        """Whether nobody has decided on it."""
        return not (self.status.certificate or self.is_("Approved") or self.is_("Denied"))


async def read(request: SigningRequest) -> Wanted:
    """What it asks for; read aside, since the library's first import takes longer than others should wait."""
    try:
        return await asyncio.to_thread(read_request, request.spec.request)
    except ValueError as error:
        raise TerminalError(f"unable to parse the request: {error}") from None


async def approve(context: Context, request: SigningRequest, message: str) -> None:
    """Approve it, in upstream's terms by itself."""
    condition = {"type": "Approved", "status": "True", "reason": "AutoApproved", "message": message}
    await _write(context, request, "approval", condition)


async def fail(context: Context, request: SigningRequest, message: str) -> None:
    """Say that it will never be signed."""
    condition = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": message}
    await _write(context, request, "status", condition)


async def issue(context: Context, request: SigningRequest, certificate: str) -> None:
    """Give it its certificate, in base64."""
    await _write(context, request, "status", certificate=certificate)


async def _write(context: Context, request: SigningRequest, subresource: str, *conditions: JSON, **status: str) -> None:
    """Add to the status of this very version: the roles of these controllers let them replace it, not patch."""
    name = request.metadata.name
    try:
        tree = await context.client.get(SIGNING_REQUESTS, name, view=dict)
        tree["metadata"]["resourceVersion"] = request.metadata.resource_version
        known = tree.get("status") or {}
        tree["status"] = {**known, "conditions": [*known.get("conditions", ()), *conditions], **status}
        await context.client.update(SIGNING_REQUESTS, tree, name, subresource=subresource)
    except NotFound:
        return
