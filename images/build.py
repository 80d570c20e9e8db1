"""Build the images of recipes.py and store them in this machine's image cache, which every cluster's registry serves.

    python -m images.build

Packages are downloaded and unpacked, never installed. The result is the storage of a docker-registry (Debian's), filled
through its own HTTP interface by a registry that runs just for that.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from images.recipes import BASE_FILES, BASE_PACKAGES, RECIPES, Recipe
from knarr.cluster.config import IMAGE_CACHE
from knarr.cluster.registry import registry_config

PACKAGES = IMAGE_CACHE.parent / "packages"
LEFT_OUT = (
    "./usr/share/doc",
    "./usr/share/man",
    "./usr/share/locale",
    "./usr/share/lintian",
    "./usr/share/bash-completion",
)
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True, slots=True)
class Layer:
    """A compressed layer and the digest of what it decompresses to."""

    content: bytes
    diff_id: str


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def fetch(packages: Iterable[str]) -> dict[str, Path]:
    """Download packages that the cache does not hold yet; returns where each one is."""
    PACKAGES.mkdir(parents=True, exist_ok=True)
    wanted = sorted(set(packages))
    missing = [name for name in wanted if not list(PACKAGES.glob(f"{name}_*.deb"))]
    if missing:
        download = ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", *missing]
        if subprocess.run(download, cwd=PACKAGES, check=False, stdout=subprocess.DEVNULL).returncode:
            subprocess.run(["apt-get", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
            subprocess.run(download, cwd=PACKAGES, check=True, stdout=subprocess.DEVNULL)
    return {name: next(PACKAGES.glob(f"{name}_*.deb")) for name in wanted}


def pack(
    packages: Iterable[Path], recipe_files: Mapping[str, str], executables: Iterable[str], folders: Iterable[str]
) -> Layer:
    """One layer of the packages' files and our own; the same input gives the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as layer:
        seen: set[str] = set()
        for package in packages:
            _copy(package, layer, seen)
        for folder in folders:
            _add(layer, seen, folder, None, 0o755)
        for name, text in recipe_files.items():
            _add(layer, seen, name, text.encode(), 0o755 if name in executables else 0o644)
    content = plain.getvalue()
    return Layer(gzip.compress(content, 6, mtime=0), digest(content))


def _copy(package: Path, layer: tarfile.TarFile, seen: set[str]) -> None:
    files = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(files)) as source:
        for member in source:
            if member.name.startswith(LEFT_OUT) or "/gconv/" in member.name or (member.isdir() and member.name in seen):
                continue
            seen.add(member.name)
            member.mtime = 0
            layer.addfile(member, source.extractfile(member) if member.isreg() else None)


def _add(layer: tarfile.TarFile, seen: set[str], name: str, content: bytes | None, mode: int) -> None:
    """A file, or a folder where there is no content, with the folders above it."""
    for parent in reversed(Path(name).parents):
        if (above := f"./{parent}") not in seen and str(parent) != ".":
            _add(layer, seen, str(parent), None, 0o755)
            seen.add(above)
    entry = tarfile.TarInfo(f"./{name}")
    entry.mode = mode
    if content is None:
        entry.type = tarfile.DIRTYPE
        seen.add(entry.name)
        layer.addfile(entry)
    else:
        entry.size = len(content)
        layer.addfile(entry, io.BytesIO(content))


def applets(busybox: Path) -> Layer:
    """Links from /bin to busybox, for every command that it has."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", str(busybox), folder], check=True)
        listed = subprocess.run([f"{folder}/bin/busybox", "--list"], check=True, capture_output=True, text=True).stdout
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as layer:
        for folder_name, mode in (("./tmp", 0o1777), ("./root", 0o700)):
            entry = tarfile.TarInfo(folder_name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            layer.addfile(entry)
        for name in listed.split():
            if name != "busybox":
                entry = tarfile.TarInfo(f"./bin/{name}")
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, "busybox", 0o777
                layer.addfile(entry)
    content = plain.getvalue()
    return Layer(gzip.compress(content, 6, mtime=0), digest(content))


def image_config(recipe: Recipe, layers: Iterable[Layer]) -> bytes:
    """The image's configuration (OCI image specification, config.md)."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    config = {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "WorkingDir": "/",
        "StopSignal": recipe.stop_signal,
        **({"Entrypoint": recipe.entrypoint} if recipe.entrypoint else {}),
        **({"Cmd": recipe.command} if recipe.command else {}),
    }
    return json.dumps(
        {
            "architecture": machine,
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        }
    ).encode()


def manifest(config: bytes, layers: Iterable[Layer]) -> bytes:
    def described(kind: str, content: bytes) -> dict[str, object]:
        return {"mediaType": kind, "digest": digest(content), "size": len(content)}

    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": described(CONFIG_TYPE, config),
            "layers": [described(LAYER_TYPE, layer.content) for layer in layers],
        }
    ).encode()


@contextlib.contextmanager
def registry(storage: Path) -> Iterator[str]:
    """A registry over this storage for as long as the context lasts; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "registry.yml"
        config.write_text(registry_config(storage, port, readonly=False))
        with subprocess.Popen(
            ["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as server:
            try:
                _until_listening(port)
                yield f"http://127.0.0.1:{port}"
            finally:
                server.terminate()


def _until_listening(port: int, patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def push(url: str, repository: str, tag: str, config: bytes, layers: list[Layer]) -> None:
    """Upload one image under one name (OCI distribution specification)."""
    for blob in (config, *(layer.content for layer in layers)):
        _push_blob(f"{url}/v2/{repository}", blob)
    _ask("PUT", f"{url}/v2/{repository}/manifests/{tag}", manifest(config, layers), MANIFEST_TYPE)


def _push_blob(base: str, blob: bytes) -> None:
    try:
        _ask("HEAD", f"{base}/blobs/{digest(blob)}")
    except urllib.error.HTTPError:
        place = _ask("POST", f"{base}/blobs/uploads/", b"")["Location"]
        joint = "&" if "?" in place else "?"
        _ask("PUT", f"{place}{joint}digest={digest(blob)}", blob, "application/octet-stream")


def _ask(method: str, url: str, body: bytes | None = None, kind: str = "application/json") -> Mapping[str, str]:
    request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(answer.headers)


def build(url: str, recipes: Iterable[Recipe], packages: Mapping[str, Path]) -> None:
    base = pack([packages[name] for name in BASE_PACKAGES], BASE_FILES, (), ("proc", "sys", "dev"))
    links = applets(packages["busybox"])
    for recipe in recipes:
        layers = [base, links]
        if recipe.packages or recipe.files or recipe.folders:
            layers.append(
                pack([packages[name] for name in recipe.packages], recipe.files, recipe.executables, recipe.folders)
            )
        config = image_config(recipe, layers)
        for name in recipe.names:
            repository, _, tag = name.partition(":")
            push(url, repository, tag, config, layers)
            print(f"{name}  {sum(len(layer.content) for layer in layers) / 1e6:.1f} MB")


def main() -> int:
    if shutil.which("docker-registry") is None:
        print("docker-registry is missing: apt-get install docker-registry", file=sys.stderr)
        return 1
    packages = fetch([*BASE_PACKAGES, *(name for recipe in RECIPES for name in recipe.packages)])
    IMAGE_CACHE.mkdir(parents=True, exist_ok=True)
    with registry(IMAGE_CACHE) as url:
        build(url, RECIPES, packages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
