"""What a check is: one question to a container, and what its answer means."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from knarr.kubelet.cri.runtime import Runtime
from knarr.kubelet.objects import Container


class Outcome(Enum):
    SUCCESS = "success"
    WARNING = "warning"  # counts as success, and is told
    FAILURE = "failure"


class CheckError(Exception):
    """The question could not be asked; says nothing about the container."""


@dataclass(frozen=True, slots=True)
class Result:
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """The container that is asked, and where it is."""

    container: Container
    container_id: str
    address: str
    runtime: Runtime


@dataclass(frozen=True, slots=True)
class Check:
    """`ask(target, action, timeout in seconds)`, for probes whose `field` is set. It may raise CheckError."""

    field: str
    ask: Callable[[Target, Any, float], Awaitable[Result]]


def failed(message: str) -> Result:
    return Result(Outcome.FAILURE, message)


def port_of(container: Container, port: int | str) -> int:
    """The number of a port that is given by number or by the name the container gives it. Raises CheckError."""
    if isinstance(port, int):
        return port
    named = (known.container_port for known in container.ports if known.name == port)
    number = next(named, int(port) if port.isdecimal() else 0)
    if not 0 < number < 65536:
        raise CheckError(f"invalid port number: {port}")
    return number


def dial_failure(address: str, port: int, error: OSError) -> str:
    """A failed connection, in the words that users of Go programs know."""
    if isinstance(error, socket.gaierror):
        return f"dial tcp: lookup {address}: no such host"
    reason = os.strerror(error.errno).lower() if error.errno else str(error)
    return f"dial tcp {joined(address, port)}: connect: {reason}"


def joined(address: str, port: int) -> str:
    """`address:port`, in brackets where the address is IPv6."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
