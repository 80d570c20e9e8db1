"""A small image archive, for tests that need something to run: busybox with its libraries, and a pause that waits."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from images.build import MANIFEST_TYPE, Layer, applets, digest, fetch, image_config, manifest, pack
from images.recipes import BASE_FILES, BASE_PACKAGES, Recipe

PAUSE, BUSYBOX = "registry.k8s.io/pause:3.10", "docker.io/library/busybox:1.35"


def archive(path: Path) -> None:
    """Write an OCI archive that `ctr images import` takes, with both images."""
    packages = fetch(BASE_PACKAGES)
    base = pack(list(packages.values()), BASE_FILES, (), ("proc", "sys", "dev"))
    layers = [base, applets(packages["busybox"])]
    index = []
    with tarfile.open(path, "w") as tar:
        add(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        for layer in layers:
            add_blob(tar, layer.content)
        for name, command in ((PAUSE, ("/bin/sleep", "2147483647")), (BUSYBOX, ("/bin/sh",))):
            index.append(add_image(tar, name, command, layers))
        add(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": index}).encode())


def add_image(tar: tarfile.TarFile, name: str, command: tuple[str, ...], layers: list[Layer]) -> dict[str, object]:
    config = image_config(Recipe(names=(name,), command=command), layers)
    described = manifest(config, layers)
    add_blob(tar, config)
    add_blob(tar, described)
    return {
        "mediaType": MANIFEST_TYPE,
        "digest": digest(described),
        "size": len(described),
        "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name},
    }


def add_blob(tar: tarfile.TarFile, content: bytes) -> None:
    add(tar, f"blobs/{digest(content).replace(':', '/')}", content)


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
