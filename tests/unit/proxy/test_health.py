"""What load balancers are told."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.proxy.health import Health, health_of
from knarr.proxy.objects import Service
from tests.unit.proxy.services import HERE, endpoint, piece, service

LOCAL: dict[str, Any] = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 31000}


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        pytest.param(service(**LOCAL), Health("default", "web", 31000, 1), id="local policy"),
        pytest.param(service(**LOCAL | {"externalTrafficPolicy": "Cluster"}), None, id="cluster policy"),
        pytest.param(service(), None, id="no port"),
    ],
)
def test_health(made: Service, wanted: Health | None) -> None:
    assert health_of(made, [piece(endpoint("10.244.0.1"), endpoint("10.244.1.1", "there"))], HERE) == wanted
