"""httpGet: does the server answer with a status from 200 to 399? It follows ten redirects on the same host."""

from __future__ import annotations

import asyncio
import ssl
from functools import cache
from urllib.parse import quote, urljoin, urlsplit

import httptools

from knarr.kubelet.objects import HTTPGetAction
from knarr.kubelet.probes.check import (
    Check,
    CheckError,
    Outcome,
    Result,
    Target,
    dial_failure,
    failed,
    joined,
    port_of,
)

_REDIRECTS = 10
_BODY = 10 * 1024  # bytes of an answer that are read
_TIMED_OUT = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
_URL_CHARACTERS = "%/?[]@!$&'()*+,;=:~"  # what a path and query may hold as it is
_DEFAULT_PORTS = {"http": 80, "https": 443}


class _Answer:
    """What httptools calls back with."""

    def __init__(self) -> None:
        self.location = ""
        self.body = b""
        self.complete = False
        self.status = 0
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"location":
            self.location = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True

    @property
    def enough(self) -> bool:
        return self.complete or len(self.body) >= _BODY


async def ask(target: Target, action: HTTPGetAction, timeout: float) -> Result:
    host = action.host or target.address
    path = action.path if action.path.startswith("/") else f"/{action.path}"
    url = f"{action.scheme.lower()}://{joined(host, port_of(target.container, action.port))}{path}"
    try:
        async with asyncio.timeout(timeout):
            return await _follow(url, {header.name: header.value for header in action.http_headers})
    except TimeoutError:
        return failed(f'Get "{url}": {_TIMED_OUT}')


async def _follow(url: str, headers: dict[str, str]) -> Result:
    first = urlsplit(url).hostname
    for _ in range(_REDIRECTS + 1):
        try:
            answer = await _get(url, headers)
        except CheckError as error:
            return failed(f'Get "{url}": {error}')
        if not (300 <= answer.status < 400 and answer.location):
            return _judge(answer)
        url = urljoin(url, answer.location)
        if urlsplit(url).hostname != first:
            body = answer.body[:_BODY].decode(errors="replace")
            return Result(Outcome.WARNING, f"Probe terminated redirects, Response body: {body}")
    return failed(f'Get "{url}": stopped after {_REDIRECTS} redirects')


def _judge(answer: _Answer) -> Result:
    if 200 <= answer.status < 400:
        return Result(Outcome.SUCCESS)
    return failed(f"HTTP probe failed with statuscode: {answer.status}")


async def _get(url: str, headers: dict[str, str]) -> _Answer:
    """One request on a connection of its own. Raises CheckError with the reason why there is no answer."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    request = _request(f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", parts.netloc, headers)
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=_no_verification(parts.scheme))
    except ssl.SSLError as error:
        raise CheckError(f"tls: {error.reason or error}") from error
    except OSError as error:
        raise CheckError(dial_failure(host, port, error)) from error
    try:
        writer.write(request)
        return await _read(reader)
    except (ConnectionError, ssl.SSLError) as error:
        raise CheckError(f"read tcp {joined(host, port)}: {error.strerror or error}".lower()) from error
    finally:
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> _Answer:
    answer = _Answer()
    while not answer.enough:
        data = await reader.read(16384)
        if not data:
            break
        try:
            answer.feed(data)
        except httptools.HttpParserError as error:
            raise CheckError(f"net/http: HTTP/1.x transport connection broken: {error}") from error
    if not answer.status:
        raise CheckError("EOF")
    return answer


def _request(path: str, host: str, headers: dict[str, str]) -> bytes:
    """Headers of the probe replace those that every probe sends; an empty value sends none."""
    sent = {"host": ("Host", host), "user-agent": ("User-Agent", "kube-probe/1.36"), "accept": ("Accept", "*/*")}
    sent |= {name.lower(): (name, value) for name, value in headers.items()}
    for name, value in sent.values():
        if any(character in name + value for character in "\r\n\0"):
            raise CheckError(f'net/http: invalid header field value for "{name}"')
    lines = [f"{name}: {value}" for name, value in sent.values() if value]
    return "\r\n".join([f"GET {quote(path, _URL_CHARACTERS)} HTTP/1.1", *lines, "Connection: close", "", ""]).encode(
        "latin-1", "replace"
    )


@cache
def _context() -> ssl.SSLContext:
    """Certificates of containers are nobody's to verify: the probe only asks whether the container answers."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _no_verification(scheme: str) -> ssl.SSLContext | None:
    return _context() if scheme == "https" else None


CHECK = Check("http_get", ask)
