from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import pytest

from knarr.client.client import Client
from knarr.kubelet.environment import Environment, expand
from knarr.kubelet.interfaces import Addresses, ConfigError
from knarr.kubelet.servicelinks import Service
from knarr.runtime.informer import Informer
from tests.unit.fake_api import FakeAPI
from tests.unit.kubelet.pods import container, pod

ADDRESSES = Addresses(("10.244.0.7",), ("192.0.2.1",))


class Synced:
    """An informer's cache."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = services

    async def wait_synced(self) -> None:
        return

    def list(self) -> Sequence[Service]:
        return self._services


def service(namespace: str, name: str, ip: str, *ports: dict[str, Any]) -> Service:
    return msgspec.convert(
        {"metadata": {"namespace": namespace, "name": name}, "spec": {"clusterIP": ip, "ports": list(ports)}}, Service
    )


KUBERNETES = service("default", "kubernetes", "10.96.0.1", {"port": 443, "name": "https"})
CART = service("shop", "my-cart", "10.96.0.9", {"port": 80, "name": "web-ui"}, {"port": 53, "protocol": "UDP"})
HEADLESS = service("shop", "db", "None", {"port": 5432})
ELSEWHERE = service("other", "far", "10.96.0.10", {"port": 80})

OF_KUBERNETES = {
    "KUBERNETES_SERVICE_HOST": "10.96.0.1",
    "KUBERNETES_SERVICE_PORT": "443",
    "KUBERNETES_PORT": "tcp://10.96.0.1:443",
    "KUBERNETES_SERVICE_PORT_HTTPS": "443",
    "KUBERNETES_PORT_443_TCP": "tcp://10.96.0.1:443",
    "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
    "KUBERNETES_PORT_443_TCP_PORT": "443",
    "KUBERNETES_PORT_443_TCP_ADDR": "10.96.0.1",
}
OF_CART = {
    "MY_CART_SERVICE_HOST": "10.96.0.9",
    "MY_CART_SERVICE_PORT": "80",
    "MY_CART_PORT": "tcp://10.96.0.9:80",
    "MY_CART_SERVICE_PORT_WEB_UI": "80",
    "MY_CART_PORT_80_TCP": "tcp://10.96.0.9:80",
    "MY_CART_PORT_80_TCP_PROTO": "tcp",
    "MY_CART_PORT_80_TCP_PORT": "80",
    "MY_CART_PORT_80_TCP_ADDR": "10.96.0.9",
    "MY_CART_PORT_53_UDP": "udp://10.96.0.9:53",
    "MY_CART_PORT_53_UDP_PROTO": "udp",
    "MY_CART_PORT_53_UDP_PORT": "53",
    "MY_CART_PORT_53_UDP_ADDR": "10.96.0.9",
}


def environment(api: FakeAPI, *services: Service) -> Environment:
    return Environment(Client(api), cast(Informer[Service], Synced(services)), lambda: {"cpu": "4", "memory": "8192Ki"})


@pytest.fixture
def api() -> FakeAPI:
    made = FakeAPI()
    made.put("/api/v1/namespaces/shop/configmaps/config", {"data": {"color": "red", "size": "7"}})
    made.put("/api/v1/namespaces/shop/secrets/keys", {"data": {"password": b64encode(b"swordfish").decode()}})
    return made


@pytest.mark.parametrize(
    ("links", "expected"),
    [pytest.param(True, OF_KUBERNETES | OF_CART, id="links"), pytest.param(False, OF_KUBERNETES, id="no links")],
)
async def test_services_are_variables(api: FakeAPI, links: bool, expected: dict[str, str]) -> None:
    maker = environment(api, KUBERNETES, CART, HEADLESS, ELSEWHERE)
    found = await maker.environment_of(pod({"enableServiceLinks": links}), container(), ADDRESSES)
    assert dict(found) == expected


async def test_a_service_of_the_own_namespace_hides_the_api_server(api: FakeAPI) -> None:
    own = service("shop", "kubernetes", "10.96.0.77")
    found = await environment(api, own, KUBERNETES).environment_of(pod(), container(), ADDRESSES)
    assert dict(found) == {"KUBERNETES_SERVICE_HOST": "10.96.0.77"}


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        pytest.param({"value": "plain"}, "plain", id="value"),
        pytest.param({"value": "$(KUBERNETES_SERVICE_HOST)!"}, "10.96.0.1!", id="service"),
        pytest.param({"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}, "10.244.0.7", id="pod IP"),
        pytest.param({"valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}, "192.0.2.1", id="host IP"),
        pytest.param({"valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}}, "web", id="label"),
        pytest.param({"valueFrom": {"configMapKeyRef": {"name": "config", "key": "color"}}}, "red", id="config map"),
        pytest.param({"valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}}, "swordfish", id="secret"),
        pytest.param(
            {"valueFrom": {"configMapKeyRef": {"name": "none", "key": "x", "optional": True}}}, None, id="optional"
        ),
        pytest.param({"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}, "1", id="cpu, rounded up"),
        pytest.param(
            {"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}}, "250", id="millicpu"
        ),
        pytest.param(
            {"valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
            "8",
            id="node's memory",
        ),
        pytest.param({"valueFrom": {"resourceFieldRef": {"resource": "requests.memory"}}}, "0", id="no request"),
    ],
)
async def test_a_variable_comes_from(api: FakeAPI, variable: dict[str, Any], expected: str | None) -> None:
    made = container(env=[{"name": "X", **variable}], resources={"limits": {"cpu": "250m"}})
    found = await environment(api, KUBERNETES).environment_of(pod(labels={"app": "web"}), made, ADDRESSES)
    assert dict(found).get("X") == expected


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ({"configMapKeyRef": {"name": "config", "key": "x"}}, "couldn't find key x in ConfigMap shop/config"),
        ({"secretKeyRef": {"name": "keys", "key": "x"}}, "couldn't find key x in Secret shop/keys"),
        ({"configMapKeyRef": {"name": "none", "key": "x"}}, 'configmap "none" not found'),
        ({"secretKeyRef": {"name": "none", "key": "x"}}, 'secret "none" not found'),
    ],
)
async def test_what_is_missing_is_named(api: FakeAPI, variable: dict[str, Any], message: str) -> None:
    made = container(env=[{"name": "X", "valueFrom": variable}])
    with pytest.raises(ConfigError) as error:
        await environment(api).environment_of(pod(), made, ADDRESSES)
    assert str(error.value) == message


async def test_later_definitions_win_and_see_earlier_ones(api: FakeAPI) -> None:
    made = container(
        envFrom=[{"configMapRef": {"name": "config"}}, {"prefix": "P_", "secretRef": {"name": "keys"}}],
        env=[
            {"name": "color", "value": "blue"},
            {"name": "both", "value": "$(color) $(size) $(P_password) $$(size) $(late)"},
            {"name": "late", "value": "now"},
        ],
    )
    found = await environment(api).environment_of(pod(), made, ADDRESSES)
    assert found == [
        ("color", "blue"),
        ("size", "7"),
        ("P_password", "swordfish"),
        ("both", "blue 7 swordfish $(size) $(late)"),
        ("late", "now"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)", "1"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$$$$(A)", "$$(A)"),
        ("$(B)", "$(B)"),
        ("$A $", "$A $"),
        ("$(A", "$(A"),
        ("x$(A)y$(A)", "x1y1"),
    ],
)
def test_expansion(text: str, expected: str) -> None:
    assert expand(text, {"A": "1"}) == expected
