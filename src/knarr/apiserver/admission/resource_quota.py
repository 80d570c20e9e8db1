"""ResourceQuota: what is created must fit into its namespace's quotas, and is charged in the commit that stores it.

Upstream charges first and creates then, and its controller mends what was charged for nothing; here the use is exact.
https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from __future__ import annotations

from collections.abc import Sequence

from knarr.api.kind import JSON
from knarr.api.quota.charging import QuotaError
from knarr.api.quota.charging import charge as charged
from knarr.api.quota.table import evaluator_of
from knarr.apiserver.admission.plugin import Attributes, Plugin
from knarr.apiserver.encoding import to_stored
from knarr.storage.store import Write

_PREFIX = "/registry/resourcequotas/"


def charge(attributes: Attributes) -> Sequence[Write]:
    """The quotas with what the write uses of them."""
    if not attributes.namespace or attributes.object is None:
        return ()
    quotas = list(attributes.lister.list("", "resourcequotas", attributes.namespace))
    evaluator = evaluator_of(attributes.kind.qualified_resource) if quotas else None
    if evaluator is None or (attributes.operation, attributes.subresource) not in evaluator.charged:
        return ()
    try:
        return [_write(quota) for quota in charged(quotas, evaluator, attributes.object, attributes.old)]
    except QuotaError as error:
        raise attributes.forbidden(str(error)) from None


def _write(quota: JSON) -> Write:
    metadata = dict(quota["metadata"])
    revision = int(metadata.pop("resourceVersion"))
    key = f"{_PREFIX}{metadata['namespace']}/{metadata['name']}"
    return Write(key, to_stored({**quota, "metadata": metadata}), expected=revision)


PLUGIN = Plugin("ResourceQuota", charge=charge, subresources=True)
