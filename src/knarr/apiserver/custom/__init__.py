"""Custom resources in the API server: definitions become kinds that are served, and go with what is stored of them.

Not here: what a definition or a custom resource must be (api/custom), and how requests on them are answered (verbs/).
"""

from knarr.apiserver.custom.definitions import Definitions

__all__ = ["Definitions"]
