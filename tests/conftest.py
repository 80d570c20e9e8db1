from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stores import stop_worker_etcd


@pytest.fixture(scope="session", autouse=True)
def no_etcd_stays() -> Iterator[None]:
    """What tests have started of it ends with them."""
    yield
    stop_worker_etcd()
