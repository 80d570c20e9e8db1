"""Tables as kubectl reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from knarr.api.kinds.table import KINDS, kind_of
from knarr.apiserver.media import Output
from knarr.apiserver.tables import table

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TABLE = Output(view="Table", view_version="v1")


@pytest.mark.parametrize(
    ("resource", "column", "beginning"),
    [
        ("pods", "Name", "Name must be unique within a namespace. Is required when creating resources"),
        ("pods", "Age", "CreationTimestamp is a timestamp representing the server time when this object was created."),
        ("pods", "Node", "NodeName indicates in which node this pod is scheduled."),
        ("services", "Cluster-IP", "clusterIP is the IP address of the service"),
        ("leases.coordination.k8s.io", "Holder", "holderIdentity contains the identity of the holder"),
        ("deployments.apps", "Images", "Images referenced by each container in the template."),
    ],
)
def test_columns_are_described_as_the_fields_that_they_show(resource: str, column: str, beginning: str) -> None:
    plural, _, group = resource.partition(".")
    kind = kind_of(group, plural)
    assert kind is not None
    view = table(kind, TABLE, (), {}, now=NOW, include="None")
    described = {heading["name"]: heading["description"] for heading in view["columnDefinitions"]}
    assert described[column].startswith(beginning)


def test_every_column_says_what_it_shows() -> None:
    views = {kind.qualified_resource: table(kind, TABLE, (), {}, now=NOW, include="None") for kind in KINDS}
    silent = {
        resource: [column["name"] for column in view["columnDefinitions"] if not column["description"]]
        for resource, view in views.items()
        if not resource.endswith(("admissionregistration.k8s.io", "apiregistration.k8s.io", "apiextensions.k8s.io"))
    }
    assert {resource: names for resource, names in silent.items() if names} == {}
