"""tcpSocket: does the port accept connections?"""

from __future__ import annotations

import asyncio

from knarr.kubelet.objects import TCPSocketAction
from knarr.kubelet.probes.check import Check, Outcome, Result, Target, dial_failure, failed, joined, port_of


async def ask(target: Target, action: TCPSocketAction, timeout: float) -> Result:
    host, port = action.host or target.address, port_of(target.container, action.port)
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return failed(f"dial tcp {joined(host, port)}: i/o timeout")
    except OSError as error:
        return failed(dial_failure(host, port, error))
    writer.close()
    return Result(Outcome.SUCCESS)


CHECK = Check("tcp_socket", ask)
