"""Strategic merge with the published schema: what kubectl's patches do."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.api.types import type_of
from knarr.machinery.strategic import strategic_merge


def merged(definition: str, original: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    return strategic_merge(original, patch, type_of(definition).patch_schema)


DEPLOYMENT, SERVICE, CONFIG_MAP = (
    "io.k8s.api.apps.v1.Deployment",
    "io.k8s.api.core.v1.Service",
    "io.k8s.api.core.v1.ConfigMap",
)


def template(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": list(containers)}}}}


@pytest.mark.parametrize(
    ("definition", "original", "patch", "expected"),
    [
        pytest.param(
            DEPLOYMENT,
            template({"name": "web", "image": "a", "args": ["x"]}),
            template({"name": "web", "image": "b"}),
            template({"name": "web", "image": "b", "args": ["x"]}),
            id="set image",
        ),
        pytest.param(
            DEPLOYMENT,
            {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}},
            {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
            {"spec": {"strategy": {"type": "Recreate"}}},
            id="another strategy",
        ),
        pytest.param(
            DEPLOYMENT,
            template({"name": "web", "volumeMounts": [{"mountPath": "/a", "name": "a"}]}),
            template({"name": "web", "volumeMounts": [{"mountPath": "/a", "$patch": "delete"}]}),
            template({"name": "web", "volumeMounts": []}),
            id="a mount less",
        ),
        pytest.param(
            SERVICE,
            {"spec": {"ports": [{"port": 80, "name": "http"}], "selector": {"app": "a", "old": "x"}}},
            {"spec": {"ports": [{"port": 80, "targetPort": 8080}], "selector": {"app": "b", "old": None}}},
            {"spec": {"ports": [{"port": 80, "name": "http", "targetPort": 8080}], "selector": {"app": "b"}}},
            id="ports by number, selectors by key",
        ),
        pytest.param(
            CONFIG_MAP,
            {"metadata": {"finalizers": ["a", "b"]}, "data": {"x": "1"}},
            {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}, "data": {"y": "2"}},
            {"metadata": {"finalizers": ["b"]}, "data": {"x": "1", "y": "2"}},
            id="a finalizer less",
        ),
    ],
)
def test_patches(definition: str, original: dict[str, Any], patch: dict[str, Any], expected: dict[str, Any]) -> None:
    assert merged(definition, original, patch) == expected
