"""Knarr: Kubernetes, written in Python.

The house and its rooms are drawn in docs/architecture.md; imports between them go one way only (import-linter).
"""

__version__ = "0.1.0"
KUBERNETES_VERSION = "v1.36.0+knarr"  # what servers and nodes call themselves
