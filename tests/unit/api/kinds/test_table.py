"""What the table of kinds says holds together."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from knarr.api.kind import Kind
from knarr.api.kinds.table import KINDS, kind_of
from knarr.api.types import type_of

EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.qualified_resource)


def test_resources_are_found_by_group_and_plural() -> None:
    deployments = kind_of("apps", "deployments")
    assert deployments is not None
    assert deployments.kind == "Deployment"
    assert kind_of("", "deployments") is None


def test_no_two_kinds_of_a_group_share_a_name() -> None:
    names = [(kind.group, name) for kind in KINDS for name in {kind.plural, kind.singular_name, *kind.short_names}]
    assert len(set(names)) == len(names)


@EVERY_KIND
def test_every_version_has_a_published_definition(kind: Kind) -> None:
    for version in kind.versions:
        assert type_of(version.definition).definition == version.definition


@EVERY_KIND
def test_an_object_of_hardly_anything_has_cells_and_fields(kind: Kind) -> None:
    empty = {"metadata": {"name": "x"}}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert all(isinstance(column.cell(empty, now), str | int | float | None) for column in kind.columns)
    assert all(isinstance(field(empty), str) for field in kind.fields.values())


@pytest.mark.parametrize(
    ("group", "plural", "prefix"),
    [
        ("", "pods", "/registry/pods"),
        ("", "nodes", "/registry/minions"),
        ("", "services", "/registry/services/specs"),
        ("", "endpoints", "/registry/services/endpoints"),
        ("", "replicationcontrollers", "/registry/controllers"),
        ("", "events", "/registry/events"),
        ("events.k8s.io", "events", "/registry/events"),
        ("apps", "deployments", "/registry/deployments"),
        ("coordination.k8s.io", "leases", "/registry/leases"),
        ("networking.k8s.io", "ingresses", "/registry/ingress"),
    ],
)
def test_keys_are_upstreams(group: str, plural: str, prefix: str) -> None:
    kind = kind_of(group, plural)
    assert kind is not None
    assert kind.prefix == prefix


def test_cron_jobs_differ_between_versions_by_name_alone() -> None:
    kind = kind_of("batch", "cronjobs")
    assert kind is not None
    v1, beta = kind.versions
    assert kind.storage_version is v1
    assert beta.to_storage is not None
    assert beta.from_storage is not None
    sent = {"apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": {"name": "hello"}}
    stored = beta.to_storage(dict(sent))
    assert stored == sent | {"apiVersion": "batch/v1"}
    assert beta.from_storage(stored) == sent
    assert beta.deprecated == (
        "batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob"
    )


def test_events_keep_everything_between_their_two_shapes() -> None:
    kind = kind_of("events.k8s.io", "events")
    assert kind is not None
    (version,) = kind.versions
    assert version.to_storage is not None
    assert version.from_storage is not None
    new = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "web.1", "namespace": "default"},
        "regarding": {"kind": "Pod", "name": "web", "namespace": "default"},
        "note": "Started",
        "reportingController": "kubelet",
        "deprecatedCount": 3,
        "eventTime": "2026-01-01T00:00:00.000000Z",
    }
    stored = version.to_storage(dict(new))
    assert stored == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "web.1", "namespace": "default"},
        "involvedObject": {"kind": "Pod", "name": "web", "namespace": "default"},
        "message": "Started",
        "reportingComponent": "kubelet",
        "count": 3,
        "eventTime": "2026-01-01T00:00:00.000000Z",
    }
    assert version.from_storage(stored) == new
    assert kind.fields[kind.selectors["regarding.name"]](stored) == "web"
    assert kind.storage_version.definition == "io.k8s.api.core.v1.Event"
