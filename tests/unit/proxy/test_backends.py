"""Which endpoints are chosen."""

from __future__ import annotations

import pytest

from knarr.proxy.backends import Backend, Backends, choose
from knarr.proxy.objects import EndpointSlice
from tests.unit.proxy.services import HERE, endpoint, piece, service

READY, DRAINING = {"ready": True}, {"ready": False, "serving": True, "terminating": True}
GONE = {"ready": False, "serving": False, "terminating": True}
A, B, C = Backend("10.244.0.1", 8080), Backend("10.244.0.2", 8080), Backend("10.244.1.3", 8080)


def here(backend: Backend, **conditions: bool) -> dict[str, object]:
    return endpoint(backend.address, HERE, **conditions)


def there(backend: Backend, **conditions: bool) -> dict[str, object]:
    return endpoint(backend.address, "there", **conditions)


@pytest.mark.parametrize(
    ("slices", "wanted"),
    [
        pytest.param([], Backends((), ()), id="no slices"),
        pytest.param([piece(here(A))], Backends((A,), (A,)), id="unknown readiness is readiness"),
        pytest.param([piece(here(B), there(C)), piece(here(A))], Backends((A, B, C), (A, B)), id="slices are merged"),
        pytest.param([piece(here(A)), piece(here(A))], Backends((A,), (A,)), id="duplicates count once"),
        pytest.param([piece(here(A, ready=False), here(B))], Backends((B,), (B,)), id="only ready ones"),
        pytest.param([piece(here(A, ready=False))], Backends((), ()), id="none ready"),
        pytest.param([piece(here(A, **READY), here(B, **DRAINING))], Backends((A,), (A,)), id="ready before draining"),
        pytest.param([piece(here(A, **GONE), here(B, **DRAINING))], Backends((B,), (B,)), id="draining when none is"),
        pytest.param(
            [piece(there(C, **READY), here(B, **DRAINING))], Backends((C,), (B,)), id="draining when none is ready here"
        ),
        pytest.param([piece(here(A), protocol="UDP")], Backends((), ()), id="another protocol"),
        pytest.param([piece(here(A), name="metrics")], Backends((), ()), id="another port"),
        pytest.param([piece(here(A), name=None)], Backends((A,), (A,)), id="no name is the empty name"),
        pytest.param([piece(here(A), port=None)], Backends((), ()), id="no port"),
        pytest.param([piece(endpoint("fd00::1"), family="IPv6")], Backends((), ()), id="another family"),
    ],
)
def test_choose(slices: list[EndpointSlice], wanted: Backends) -> None:
    assert choose(service().spec.ports[0], slices, HERE) == wanted
