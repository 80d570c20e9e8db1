"""The service that a KMS plugin offers on its unix socket: KeyManagementService of k8s.io/kms, apis/v2/api.proto."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from google.protobuf.message import DecodeError

from knarr.machinery.clock import Clock
from knarr.machinery.figures import Figures
from knarr.storage.sealing import SealError
from knarr.storage.sealing.figures import KMS_LATENCY
from knarr.wire.grpc import CallError, Channel
from knarr.wire.grpc.tables import messages

_made = messages(
    "knarr.kms",
    """
Annotation: key=1 string, value=2 bytes
StatusRequest:
StatusResponse: version=1 string, healthz=2 string, key_id=3 string
DecryptRequest: ciphertext=1 bytes, uid=2 string, key_id=3 string, annotations=4 *Annotation
DecryptResponse: plaintext=1 bytes
EncryptRequest: plaintext=1 bytes, uid=2 string
EncryptResponse: ciphertext=1 bytes, key_id=2 string, annotations=3 *Annotation
""",
)
Annotation = _made["Annotation"]


class Status(NamedTuple):
    """How a plugin says it is, and the id of the key that it encrypts with."""

    version: str
    healthz: str
    key_id: str


class Encrypted(NamedTuple):
    """What a plugin has made of a key of ours, and what it wants to see again to make it out."""

    ciphertext: bytes
    key_id: str
    annotations: tuple[tuple[str, bytes], ...] = ()


class PluginError(SealError):
    """A call failed; `code` is gRPC's word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"rpc error: code = {code} desc = {message}")
        self.code = code

    @property
    def unanswered(self) -> bool:
        return self.code in ("Unavailable", "DeadlineExceeded")


class Plugin:
    """A plugin by its endpoint (unix:///path, or unix:///@name in the abstract namespace); `timeout` seconds a call.

    All raise PluginError.
    """

    def __init__(self, name: str, endpoint: str, timeout: float, clock: Clock, figures: Figures) -> None:
        self.name = name
        self._channel = Channel(_target(endpoint), connect_timeout=timeout)
        self._timeout = timeout
        self._clock = clock
        self._figures = figures

    async def status(self) -> Status:
        answer = await self._call("Status")
        return Status(answer.version, answer.healthz, answer.key_id)

    async def encrypt(self, plain: bytes) -> Encrypted:
        answer = await self._call("Encrypt", plaintext=plain, uid=str(uuid.uuid4()))
        return Encrypted(answer.ciphertext, answer.key_id, tuple((a.key, a.value) for a in answer.annotations))

    async def decrypt(self, encrypted: Encrypted) -> bytes:
        annotations = [Annotation(key=key, value=value) for key, value in encrypted.annotations]
        fields = {"ciphertext": encrypted.ciphertext, "key_id": encrypted.key_id, "annotations": annotations}
        return bytes((await self._call("Decrypt", uid=str(uuid.uuid4()), **fields)).plaintext)

    async def close(self) -> None:
        await self._channel.close()

    async def _call(self, method: str, **fields: Any) -> Any:
        request, path = _made[f"{method}Request"](**fields), f"/v2.KeyManagementService/{method}"
        started, code = self._clock.monotonic(), "OK"
        try:
            answer = await self._channel.unary(path, request.SerializeToString(), self._timeout)
        except CallError as error:
            code = error.code
            raise PluginError(error.code, error.message) from None
        finally:
            took = self._clock.monotonic() - started
            self._figures.spread(KMS_LATENCY, (self.name, path, code)).observe(took)
        try:
            return _made[f"{method}Response"].FromString(answer)
        except DecodeError:
            raise PluginError("Internal", "the plugin's answer is no message of KMS v2") from None


def _target(endpoint: str) -> str:
    path = unquote(urlsplit(endpoint).path)
    return f"\0{path[2:]}" if path.startswith("/@") else path
