"""API aggregation: versions of groups that other servers serve, behind this one's address and identities.

https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/
"""

from knarr.apiserver.aggregation.aggregation import Aggregation

__all__ = ["Aggregation"]
