from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.stores import stop_worker_etcd

# How long an example takes says what else the machine was busy with.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def no_etcd_stays() -> Iterator[None]:
    """What tests have started of it ends with them."""
    yield
    stop_worker_etcd()
