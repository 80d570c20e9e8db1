"""The published definitions of the Kubernetes API, normalised, from one compact cache file.

Nothing here knows what Knarr adds to them (rules/) or makes of them (types/).
"""

from knarr.api.schema.cache import definition, definitions
from knarr.api.schema.source import REFERENCE

__all__ = ["REFERENCE", "definition", "definitions"]
