"""Values that lie in the store encrypted, in upstream's form: `k8s:enc:<how>:<version>:<key or provider>:<ciphertext>`.

Whoever has the keys reads them, upstream's API server on the same etcd too. Which keys there are is for others to say
(apiserver/encryption); here is no configuration.

https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/ and kms-provider/
"""

from __future__ import annotations

from knarr.storage.store import StoreError

ENCRYPTED = b"k8s:enc:"  # what all that is encrypted begins with


class SealError(StoreError):
    """A value that cannot be encrypted, or not be decrypted; the text is upstream's."""
