"""The order of groups and versions."""

from __future__ import annotations

from random import Random

from knarr.apiserver.priorities import group_priority, version_priority, version_rank


def test_versions_by_their_names() -> None:
    ordered = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"]
    shuffled = Random(1).sample(ordered, len(ordered))
    assert sorted(shuffled, key=version_rank) == ordered


def test_priorities_are_upstreams() -> None:
    assert [group_priority(group, custom=False) for group in ("", "apps", "discovery.k8s.io")] == [18000, 17800, 16200]
    assert group_priority("example.com", custom=True) == 1000
    versions = [("", "v1"), ("apps", "v1"), ("autoscaling", "v2"), ("batch", "v1beta1"), ("x.k8s.io", "v1alpha2")]
    assert [version_priority(*version, custom=False) for version in versions] == [1, 15, 30, 9, 1]
    assert version_priority("example.com", "v1", custom=True) == 100
