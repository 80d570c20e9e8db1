"""A KMS plugin (v2): a gRPC server of its own on a unix socket, by grpcio and messages with real maps.

`python -m tests.kms SOCKET FOLDER` serves; it does as FOLDER/orders says, and writes each call down in FOLDER/calls.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 20.0
ANNOTATION = "version.encryption.tests.example"
ORDERS: dict[str, Any] = {"key": "k1", "healthz": "ok", "version": "v2", "delay": 0.0, "refuse": "", "encrypts": ""}


@dataclass
class Plugin:
    """A plugin's process, and what it is told."""

    socket: Path
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    orders: dict[str, Any] = field(default_factory=lambda: dict(ORDERS))

    def start(self) -> None:
        self.order()
        command = [sys.executable, "-m", "tests.kms", str(self.socket), str(self.folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while not (self.folder / "ready").exists():
            assert self.process.poll() is None and time.monotonic() < deadline, "the plugin did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(PATIENCE)
            (self.folder / "ready").unlink(missing_ok=True)
            self.process = None

    def order(self, **orders: Any) -> None:
        """`key`: its id; `delay` seconds before each answer; `refuse`: a method that fails."""
        self.orders.update(orders)
        draft = self.folder / "orders.new"
        draft.write_text(json.dumps(self.orders))
        draft.replace(self.folder / "orders")

    def calls(self, method: str) -> int:
        path = self.folder / "calls"
        return path.read_text().split().count(method) if path.exists() else 0


@contextmanager
def kms_plugin(folder: Path) -> Iterator[Plugin]:
    folder.mkdir()
    plugin = Plugin(folder / "s", folder)
    plugin.start()
    try:
        yield plugin
    finally:
        plugin.stop()


def _messages() -> dict[str, Any]:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="kms.proto", package="v2", syntax="proto3")

    def message(name: str, *fields: tuple[str, int, int]) -> Any:
        made = file.message_type.add(name=name)
        for field_name, number, kind in fields:
            made.field.add(name=field_name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
        return made

    def annotated(made: Any, number: int) -> None:
        entry = made.nested_type.add(name="AnnotationsEntry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
        entry.field.add(name="value", number=2, type=kinds.TYPE_BYTES, label=kinds.LABEL_OPTIONAL)
        made.field.add(
            name="annotations",
            number=number,
            type=kinds.TYPE_MESSAGE,
            type_name=f".v2.{made.name}.AnnotationsEntry",
            label=kinds.LABEL_REPEATED,
        )

    text, data = kinds.TYPE_STRING, kinds.TYPE_BYTES
    message("StatusRequest")
    message("StatusResponse", ("version", 1, text), ("healthz", 2, text), ("key_id", 3, text))
    annotated(message("DecryptRequest", ("ciphertext", 1, data), ("uid", 2, text), ("key_id", 3, text)), 4)
    message("DecryptResponse", ("plaintext", 1, data))
    message("EncryptRequest", ("plaintext", 1, data), ("uid", 2, text))
    annotated(message("EncryptResponse", ("ciphertext", 1, data), ("key_id", 2, text)), 3)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = (pool.FindMessageTypeByName(f"v2.{made.name}") for made in file.message_type)
    return {each.name: message_factory.GetMessageClass(each) for each in found}


def serve(socket: str, folder: Path) -> None:
    import grpc
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    made = _messages()

    def orders() -> dict[str, Any]:
        found: dict[str, Any] = json.loads((folder / "orders").read_text())
        return found

    def key(key_id: str) -> AESGCM:
        return AESGCM(hashlib.sha256(f"the plugin's own {key_id}".encode()).digest())

    def status(request: Any, told: dict[str, Any]) -> Any:
        return made["StatusResponse"](version=told["version"], healthz=told["healthz"], key_id=told["key"])

    def encrypt(request: Any, told: dict[str, Any]) -> Any:
        key_id, nonce = told["encrypts"] or told["key"], os.urandom(12)
        ciphertext = nonce + key(key_id).encrypt(nonce, request.plaintext, None)
        return made["EncryptResponse"](ciphertext=ciphertext, key_id=key_id, annotations={ANNOTATION: b"1"})

    def decrypt(request: Any, told: dict[str, Any]) -> Any:
        assert dict(request.annotations) == {ANNOTATION: b"1"} and request.uid
        plain = key(request.key_id).decrypt(request.ciphertext[:12], request.ciphertext[12:], None)
        return made["DecryptResponse"](plaintext=plain)

    def method(name: str, do: Callable[[Any, dict[str, Any]], Any]) -> Any:
        def answer(request: Any, context: Any) -> Any:
            with (folder / "calls").open("a") as calls:
                calls.write(f"{name}\n")
            told = orders()
            time.sleep(told["delay"])
            if told["refuse"] == name:
                context.abort(grpc.StatusCode.INTERNAL, "as it was told")
            return do(request, told)

        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=made[f"{name}Request"].FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    methods = {"Status": method("Status", status), "Encrypt": method("Encrypt", encrypt)}
    handler = grpc.method_handlers_generic_handler(
        "v2.KeyManagementService", {**methods, "Decrypt": method("Decrypt", decrypt)}
    )
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(f"unix-abstract:{socket[1:]}" if socket.startswith("@") else f"unix:{socket}")
    server.start()
    (folder / "ready").touch()
    server.wait_for_termination()


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
