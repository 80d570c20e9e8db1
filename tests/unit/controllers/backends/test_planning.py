"""Packing endpoints into slices: which are written, and which are left alone."""

from __future__ import annotations

import pytest

from knarr.client.objects import Meta
from knarr.controllers.backends.planning import CAPACITY, Content, Group, Plan, plan
from knarr.controllers.backends.slices import Conditions, Endpoint, EndpointSlice, Port

HTTP, HTTPS = Group("IPv4", (Port(port=80),)), Group("IPv4", (Port(port=443),))
SIX = Group("IPv6", (Port(port=80),))


def endpoints(*numbers: int, ready: bool = True) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(addresses=(f"10.0.0.{n}",), conditions=Conditions(ready=ready)) for n in numbers)


def a_slice(name: str, *numbers: int, group: Group = HTTP) -> EndpointSlice:
    meta = Meta(name=name)
    return EndpointSlice(
        metadata=meta, address_type=group.address_type, ports=group.ports, endpoints=endpoints(*numbers)
    )


def brief(result: Plan) -> dict[str, object]:
    """What is done, by the slices' names and their numbers of endpoints."""
    return {
        "create": [len(c.endpoints) for c in result.create],
        "update": {s.metadata.name: len(c.endpoints) for s, c in result.update},
        "delete": [s.metadata.name for s in result.delete],
        "keep": [s.metadata.name for s in result.keep],
    }


FULL = tuple(range(CAPACITY))


@pytest.mark.parametrize(
    ("existing", "wanted", "expected"),
    [
        pytest.param([], (1, 2), {"create": [2]}, id="the first"),
        pytest.param([], range(205), {"create": [100, 100, 5]}, id="in pieces"),
        pytest.param([a_slice("a", 1, 2)], (1, 2), {"keep": ["a"]}, id="as they are"),
        pytest.param([a_slice("a", 1, 2)], (2, 1), {"keep": ["a"]}, id="in another order"),
        pytest.param([a_slice("a", 1)], (1, 2), {"update": {"a": 2}}, id="one more"),
        pytest.param([a_slice("a", 1, 2)], (2,), {"update": {"a": 1}}, id="one less"),
        pytest.param(
            [a_slice("a", 1), a_slice("b", 2)], (2,), {"delete": ["a"], "keep": ["b"]}, id="an empty one goes"
        ),
        pytest.param(
            [a_slice("a", 1, 2), a_slice("b", 3)], (1, 3, 4), {"update": {"a": 2}, "keep": ["b"]}, id="where it changes"
        ),
        pytest.param(
            [a_slice("a", 1), a_slice("b", 2, 3)], (1, 2, 3, 4), {"update": {"b": 3}, "keep": ["a"]}, id="the fullest"
        ),
        pytest.param([a_slice("a", *FULL)], (*FULL, 200), {"create": [1], "keep": ["a"]}, id="no room"),
        pytest.param([a_slice("a", 1)], (2,), {"update": {"a": 1}}, id="another one in its place"),
    ],
)
def test_writes(existing: list[EndpointSlice], wanted: range, expected: dict[str, object]) -> None:
    nothing: dict[str, object] = {"create": [], "update": {}, "delete": [], "keep": []}
    assert brief(plan(existing, {HTTP: endpoints(*wanted)})) == nothing | expected


def test_a_changed_endpoint_stays_where_it_is() -> None:
    first, second = a_slice("a", 1, 2), a_slice("b", 3)
    wanted = (*endpoints(1), *endpoints(2, ready=False), *endpoints(3))
    result = plan([first, second], {HTTP: wanted})
    assert result == Plan(update=[(first, Content(HTTP, wanted[:2]))], keep=[second])


def test_other_ports_take_over_the_slice_of_those_that_are_gone() -> None:
    found = a_slice("a", 1)
    assert plan([found], {HTTPS: endpoints(1)}) == Plan(update=[(found, Content(HTTPS, endpoints(1)))])


def test_the_address_type_of_a_slice_never_changes() -> None:
    found = a_slice("a", 1)
    assert plan([found], {SIX: endpoints(1)}) == Plan(create=[Content(SIX, endpoints(1))], delete=[found])


EMPTY = Group("IPv4")


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        pytest.param([], {"create": [0]}, id="none yet"),
        pytest.param([a_slice("a", group=EMPTY)], {"keep": ["a"]}, id="there"),
        pytest.param([a_slice("a", 1)], {"update": {"a": 0}}, id="emptied"),
        pytest.param([a_slice("a", 1), a_slice("b", 2)], {"update": {"a": 0}, "delete": ["b"]}, id="one is enough"),
    ],
)
def test_an_empty_slice_holds_the_place(existing: list[EndpointSlice], expected: dict[str, object]) -> None:
    nothing: dict[str, object] = {"create": [], "update": {}, "delete": [], "keep": []}
    assert brief(plan(existing, {}, ["IPv4"])) == nothing | expected
