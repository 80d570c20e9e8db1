"""Whether a registered server can be reached: what its Service says, and a request to it.

Reasons and messages are those of upstream's availability controller.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from knarr.api.kind import JSON
from knarr.apiserver.aggregation.proxying import OURSELVES, as_user
from knarr.apiserver.aggregation.registering import LOCAL
from knarr.apiserver.aggregation.registrations import Registration
from knarr.apiserver.outbound.pool import Pool
from knarr.apiserver.outbound.targets import Service, ready_endpoints, slices_of
from knarr.apiserver.outbound.wording import failure
from knarr.apiserver.registry import Lister
from knarr.wire.messages import Request

ATTEMPTS = 5
SECONDS = 5.0  # real ones, for one attempt


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the condition Available is to say."""

    available: bool
    reason: str
    message: str

    @property
    def condition(self) -> JSON:
        status = "True" if self.available else "False"
        return {"type": "Available", "status": status, "reason": self.reason, "message": self.message}


_LOCAL = Verdict(True, **LOCAL)
_PASSED = Verdict(True, "Passed", "all checks passed")


async def judge(lister: Lister, pool: Pool, registration: Registration) -> Verdict:
    """Look at the Service, then ask the server for what it must be able to answer."""
    if registration.target is None or registration.target.service is None:
        return _LOCAL
    if missing := _missing(lister, registration.target.service):
        return missing
    why = await _probe(pool, registration)
    for _ in range(ATTEMPTS - 1):
        if not why:
            break
        why = await _probe(pool, registration)
    return Verdict(False, "FailedDiscoveryCheck", why) if why else _PASSED


def _missing(lister: Lister, service: Service) -> Verdict | None:
    """What the Service lacks."""
    where = f'service/{service.name} in "{service.namespace}"'
    found = lister.get("", "services", service.namespace, service.name)
    if found is None:
        return Verdict(False, "ServiceNotFound", f"{where} is not present")
    if found["spec"].get("type", "ClusterIP") != "ClusterIP":
        return None
    port = next((p for p in found["spec"].get("ports", ()) if p["port"] == service.port), None)
    if port is None:
        return Verdict(False, "ServicePortError", f"{where} is not listening on port {service.port}")
    slices = list(slices_of(lister, service))
    if not slices:
        return Verdict(False, "EndpointsNotFound", f"cannot find endpointslices for {where}")
    name = port.get("name", "")
    if not any(_is_active(found, name) for found in slices):
        return Verdict(False, "MissingEndpoints", f'endpoints for {where} have no addresses with port name "{name}"')
    return None


def _is_active(found: JSON, port: str) -> bool:
    return any(ready_endpoints(found)) and any((p.get("name") or "") == port for p in found.get("ports") or ())


async def _probe(pool: Pool, registration: Registration) -> str:
    """What is wrong with the server's answer; "" if nothing."""
    target, path = registration.target, registration.path
    assert target is not None
    url, host = f"{target.url}{path}", target.service.host if target.service else ""
    try:
        async with asyncio.timeout(SECONDS):
            answer = await pool.transport(target).stream(as_user(Request("GET", path), OURSELVES))
            async for _ in answer:
                pass
    except TimeoutError:
        pool.forget(target)
        return f'failing or missing response from {url}: Get "{url}": context deadline exceeded'
    except (OSError, ValueError) as error:
        return f'failing or missing response from {url}: Get "{url}": {failure(error, host)}'
    if not 200 <= answer.status < 300:
        return f"failing or missing response from {url}: bad status from {url}: {answer.status}"
    return ""
