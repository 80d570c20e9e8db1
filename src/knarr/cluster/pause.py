"""The image of a Pod's sandbox, made here: a program that sleeps, and nothing else.

Every Pod needs it, so it must not depend on a registry that may be out of reach. The program holds the Pod's namespaces
open, lets the kernel reap orphans (SIGCHLD ignored) and ends on SIGTERM or SIGINT; it is a handful of system calls,
written out as machine code.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import tarfile

BUILT_IN = "knarr.dev/pause:1"
PUBLISHED = "registry.k8s.io/pause:3.10"  # for machines whose code is not written here

_LOADED_AT = 0x400000
_HEADERS = 64 + 56  # an ELF header and one program header
_SIG_IGN = struct.pack("<QQQQ", 1, 0, 0, 0)  # the kernel's struct sigaction
_SIGINT_AND_SIGTERM = struct.pack("<Q", 1 << 1 | 1 << 14)  # a sigset_t

# x86-64; the numbers of system calls are those of asm/unistd_64.h.
_CODE = """
    b80d000000      mov eax, 13         rt_sigaction(
    bf11000000        mov edi, 17         SIGCHLD,
    be {action}       mov esi, action     {SIG_IGN},
    31d2              xor edx, edx        NULL,
    41ba08000000      mov r10d, 8         sizeof(sigset_t))
    0f05            syscall
    b80e000000      mov eax, 14         rt_sigprocmask(
    31ff              xor edi, edi        SIG_BLOCK,
    be {signals}      mov esi, signals    {SIGINT, SIGTERM},
    31d2              xor edx, edx        NULL,
    41ba08000000      mov r10d, 8         sizeof(sigset_t))
    0f05            syscall
    b880000000      mov eax, 128        wait: rt_sigtimedwait(
    bf {signals}      mov edi, signals    {SIGINT, SIGTERM},
    31f6              xor esi, esi        NULL,
    31d2              xor edx, edx        NULL,
    41ba08000000      mov r10d, 8         sizeof(sigset_t))
    0f05            syscall
    85c0            test eax, eax       interrupted by something else?
    78e6            js wait             then wait again
    b83c000000      mov eax, 60         exit(
    31ff              xor edi, edi        0)
    0f05            syscall
"""


def sandbox_image() -> str:
    """The name of the sandbox image for this machine."""
    return BUILT_IN if os.uname().machine == "x86_64" else PUBLISHED


def program() -> bytes:
    """The sandbox's program: a static ELF executable of some 300 bytes."""
    words = [word for line in _CODE.strip().splitlines() for word in line.strip().split("  ")[0].split()]
    size = sum(4 if word.startswith("{") else len(word) // 2 for word in words)
    data = _LOADED_AT + _HEADERS + size
    places = {"{action}": struct.pack("<I", data), "{signals}": struct.pack("<I", data + len(_SIG_IGN))}
    code = b"".join(places.get(word) or bytes.fromhex(word) for word in words)
    body = code + _SIG_IGN + _SIGINT_AND_SIGTERM
    total = _HEADERS + len(body)
    header = struct.pack(
        "<4s5B7xHHIQQQIHHHHHH",
        *(b"\x7fELF", 2, 1, 1, 0, 0),  # 64 bits, little-endian
        *(2, 62, 1),  # an executable for x86-64
        *(_LOADED_AT + _HEADERS, 64, 0, 0),  # entry point, program headers, no sections
        *(64, 56, 1, 0, 0, 0),
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _LOADED_AT, _LOADED_AT, total, total, 0x1000)  # load, read and execute
    return header + segment + body


def archive() -> bytes:
    """The image as an archive that `ctr images import` takes (OCI image layout)."""
    layer = _tar({"pause": (program(), 0o755)})
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
        }
    ).encode()
    index = {
        "schemaVersion": 2,
        "manifests": [
            {
                **_descriptor("application/vnd.oci.image.manifest.v1+json", manifest),
                "annotations": {"io.containerd.image.name": BUILT_IN},
            }
        ],
    }
    blobs = {f"blobs/sha256/{_digest(blob)[7:]}": (blob, 0o644) for blob in (layer, config, manifest)}
    layout = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index).encode()}
    return _tar({name: (content, 0o644) for name, content in layout.items()} | blobs)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(kind: str, content: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return plain.getvalue()
