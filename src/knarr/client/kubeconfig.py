"""Kubeconfig files: which server, which CA, as whom; and merging a context of ours into a file of the user's.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/. Merging keeps everything that is not ours: other
clusters, users and contexts, keys we do not know, the current context unless asked. Comments are lost: YAML has no
place for them in its data.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knarr.client.objects import JSON

SECTIONS = ("clusters", "users", "contexts")


class KubeconfigError(Exception):
    """A kubeconfig that cannot be used, with the reason for the user."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One context, resolved: PEM bytes for `ca`, `certificate` and `key`; empty where the file has none."""

    server: str
    ca: bytes = b""
    certificate: bytes = b""
    key: bytes = b""
    token: str = ""
    user: str = ""  # with the password, where there is no token
    password: str = ""
    namespace: str = "default"
    server_name: str = ""  # the name in the server's certificate, where it is not that of `server`
    insecure: bool = False

    def __repr__(self) -> str:  # keys and tokens stay out of logs and tracebacks
        return f"Credentials(server={self.server!r}, namespace={self.namespace!r})"


def load(path: Path, context: str = "") -> Credentials:
    """The credentials of a context, by default of the current one."""
    tree = _read(path)
    name = context or str(tree.get("current-context") or "")
    if not name:
        raise KubeconfigError(f"{path} names no current-context")
    chosen = _entry(tree, "contexts", name, path)
    cluster = _entry(tree, "clusters", str(chosen.get("cluster") or ""), path)
    user = _entry(tree, "users", str(chosen.get("user") or ""), path) if chosen.get("user") else {}
    if programs := {"exec", "auth-provider"} & user.keys():
        raise KubeconfigError(f"{path} has the user's credentials from a program, which is not supported: {programs}")
    return Credentials(
        server=str(cluster.get("server") or ""),
        ca=_data(cluster, "certificate-authority", path),
        certificate=_data(user, "client-certificate", path),
        key=_data(user, "client-key", path),
        token=_token(user, path),
        user=str(user.get("username") or ""),
        password=str(user.get("password") or ""),
        namespace=str(chosen.get("namespace") or "default"),
        server_name=str(cluster.get("tls-server-name") or ""),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
    )


def compose(name: str, credentials: Credentials, *, user: str = "") -> JSON:
    """A whole kubeconfig with one context of that name, everything embedded."""
    user = user or name
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": _cluster(credentials)}],
        "users": [{"name": user, "user": _user(credentials)}],
        "contexts": [{"name": name, "context": _context(name, user, credentials)}],
        "current-context": name,
        "preferences": {},
    }


def write(path: Path, tree: JSON) -> None:
    """Write a kubeconfig for its owner's eyes only, whole or not at all."""
    from knarr.machinery import yamls  # no small library, for those who only know what a kubeconfig is

    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()  # a link, into a repository of dotfiles say, stays one
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(yamls.dump(tree))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def check(path: Path) -> None:
    """Raise KubeconfigError where nothing could be merged into the file; there may be none yet."""
    if path.exists() and (path.is_dir() or path.stat().st_size):
        _read(path)


def merge(path: Path, addition: JSON, *, make_current: bool = True) -> None:
    """Put the clusters, users and contexts of `addition` into the file, in place of those of the same names."""
    tree: JSON = {"apiVersion": "v1", "kind": "Config"}
    if path.exists() and path.stat().st_size:
        tree = _read(path)
    for section in SECTIONS:
        tree[section] = _replaced(tree.get(section) or [], addition[section])
    if make_current or not tree.get("current-context"):
        tree["current-context"] = addition["current-context"]
    write(path, tree)


def remove(path: Path, name: str, *, user: str = "") -> None:
    """Take the context, cluster and user of that name out again; a missing file or entry is fine."""
    if not path.exists() or not path.stat().st_size:
        return
    tree = _read(path)
    gone = {"clusters": name, "users": user or name, "contexts": name}
    for section, ours in gone.items():
        tree[section] = [entry for entry in tree.get(section) or [] if entry.get("name") != ours]
    if tree.get("current-context") == name:
        tree["current-context"] = ""
    write(path, tree)


def _read(path: Path) -> JSON:
    from knarr.machinery import yamls

    try:
        tree = yamls.load(path.read_bytes())
    except FileNotFoundError:
        raise KubeconfigError(f"there is no kubeconfig at {path}") from None
    except OSError as error:
        raise KubeconfigError(f"{path} cannot be read: {error.strerror}") from None
    except yamls.YAMLError as error:
        raise KubeconfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise KubeconfigError(f"{path} is not a kubeconfig: its top level is no mapping")
    for section in SECTIONS:
        entries = tree.get(section) or []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise KubeconfigError(f"{path} is not a kubeconfig: {section} is no list of mappings")
    return tree


def _entry(tree: JSON, section: str, name: str, path: Path) -> Mapping[str, Any]:
    for entry in tree.get(section) or []:
        if entry.get("name") == name:
            return entry.get(section.removesuffix("s")) or {}
    raise KubeconfigError(f'{path} has no entry "{name}" among its {section}')


def _data(entry: Mapping[str, Any], field: str, path: Path) -> bytes:
    """Embedded (`<field>-data`, which wins) or in a file, whose name is relative to the kubeconfig's folder."""
    if embedded := entry.get(f"{field}-data"):
        try:
            return base64.b64decode(embedded)
        except ValueError as error:
            raise KubeconfigError(f"{path} has a {field}-data that is not base64: {error}") from None
    if file := entry.get(field):
        return _content(path, file)
    return b""


def _token(user: Mapping[str, Any], path: Path) -> str:
    if file := user.get("tokenFile"):  # wins over `token`: it may be rotated
        return _content(path, file).decode().strip()
    return str(user.get("token") or "")


def _content(path: Path, file: str) -> bytes:
    try:
        return (path.parent / file).read_bytes()
    except OSError as error:
        raise KubeconfigError(f"{path} refers to {file}: {error.strerror}") from None


def _encoded(**fields: bytes) -> JSON:
    return {
        f"{name.replace('_', '-')}-data": base64.b64encode(value).decode() for name, value in fields.items() if value
    }


def _cluster(credentials: Credentials) -> JSON:
    """The server is on this machine: compressing its answers would cost time and save nothing."""
    tree: JSON = {"server": credentials.server, **_encoded(certificate_authority=credentials.ca)}
    tree["disable-compression"] = True
    if credentials.server_name:
        tree["tls-server-name"] = credentials.server_name
    if credentials.insecure:
        tree["insecure-skip-tls-verify"] = True
    return tree


def _user(credentials: Credentials) -> JSON:
    tree = _encoded(client_certificate=credentials.certificate, client_key=credentials.key)
    return {**tree, "token": credentials.token} if credentials.token else tree


def _context(name: str, user: str, credentials: Credentials) -> JSON:
    namespace = {"namespace": credentials.namespace} if credentials.namespace != "default" else {}
    return {"cluster": name, "user": user, **namespace}


def _replaced(existing: list[JSON], added: list[JSON]) -> list[JSON]:
    names = {entry["name"] for entry in added}
    return [entry for entry in existing if entry.get("name") not in names] + added
