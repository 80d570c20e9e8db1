"""The API described to clients: OpenAPI v3 by group and version, and v2 as one document.

Derived from the kinds and the published definitions; built when first asked for, kept compressed.
"""

from knarr.apiserver.openapi.serving import OpenAPI

__all__ = ["OpenAPI"]
