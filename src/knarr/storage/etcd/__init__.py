"""The Store protocol over etcd v3: calls, watches, leases and compaction.

https://etcd.io/docs/v3.4/learning/api/ and api_guarantees/
"""

from knarr.storage.etcd.client import Credentials
from knarr.storage.etcd.store import EtcdStore

__all__ = ["Credentials", "EtcdStore"]
