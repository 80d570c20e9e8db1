"""The configuration of the image registry on loopback that serves what `make images` built."""

from __future__ import annotations

from pathlib import Path


def registry_config(storage: Path, port: int, *, readonly: bool = True) -> str:
    """docker-registry's configuration file: images from `storage`, on loopback only."""
    return f"""\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {storage}}}
  maintenance:
    uploadpurging: {{enabled: false}}
    readonly: {{enabled: {str(readonly).lower()}}}
http:
  addr: 127.0.0.1:{port}
"""
