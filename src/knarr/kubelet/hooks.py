"""Lifecycle hooks: postStart and preStop, by the same actions that probes have, and sleep (KEP-3960).

Source: https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
"""

from __future__ import annotations

import asyncio

from knarr.kubelet.cri.runtime import Runtime, RuntimeFailure
from knarr.kubelet.objects import Container, Handler
from knarr.kubelet.probes.check import CheckError, Outcome, Target
from knarr.kubelet.probes.table import CHECKS
from knarr.machinery.clock import Clock

LONGEST = 3600.0  # seconds a hook without a bound of its own may take


class HookError(Exception):
    """The hook failed; the message says how."""


async def run_hook(
    runtime: Runtime, clock: Clock, container: Container, container_id: str, address: str, hook: Handler, timeout: float
) -> None:
    """Run a hook to its end, `timeout` seconds at most. Raises HookError."""
    if hook.sleep:
        await clock.sleep(min(hook.sleep.seconds, timeout))
        return
    target = Target(container, container_id, address, runtime)
    check = next((check for check in CHECKS if getattr(hook, check.field, None)), None)
    if check is None:
        raise HookError("invalid handler: no action given")
    try:
        async with asyncio.timeout(timeout):
            result = await check.ask(target, getattr(hook, check.field), timeout)
    except (CheckError, RuntimeFailure, TimeoutError) as error:
        raise HookError(str(error)) from error
    if result.outcome is Outcome.FAILURE:
        raise HookError(result.message)
