"""What every namespace has, and what is told of one that goes."""

from __future__ import annotations

from collections import Counter

import pytest

from knarr.client.objects import JSON
from knarr.client.resources import CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS
from knarr.controllers import rootca, serviceaccount
from knarr.controllers.namespace import Remains, conditions
from knarr.machinery.errors import APIError, Cause, Forbidden, NotFound
from knarr.runtime.controller import Controller
from tests.unit.controllers.bench import NOW, Bench


@pytest.mark.parametrize("deleted", [False, True], ids=["active", "being deleted"])
async def test_a_namespace_gets_its_account(deleted: bool) -> None:
    bench = Bench(serviceaccount.CONTROLLER)
    metadata = {"deletionTimestamp": NOW} if deleted else {}
    bench.put(NAMESPACES, "default", "", metadata=metadata)
    async with bench.running():
        assert bench.done == ([] if deleted else ["POST serviceaccounts"])


async def test_an_account_that_is_deleted_comes_back() -> None:
    bench = Bench(serviceaccount.CONTROLLER)
    bench.put(NAMESPACES, "default", "")
    bench.put(SERVICE_ACCOUNTS, "default")
    async with bench.running():
        bench.remove(SERVICE_ACCOUNTS, "default")
        await bench.settle()
        assert bench.done == ["POST serviceaccounts"]


PUBLISHED = {"kubernetes.io/description": rootca.DESCRIPTION}
TERMINATING = Forbidden("it is being terminated", causes=(Cause("NamespaceTerminating", "it goes"),))


async def test_the_root_certificate_is_published_and_comes_back() -> None:
    bench = Bench(rootca.CONTROLLER, root_ca_file="PEM")
    bench.put(NAMESPACES, "default", "")
    async with bench.running():
        ((_, _, body),) = bench.actions
        assert (body["data"], body["metadata"]["annotations"]) == ({"ca.crt": "PEM"}, PUBLISHED)
        bench.remove(CONFIG_MAPS, "kube-root-ca.crt")
        await bench.settle()
        assert bench.done == ["POST configmaps"] * 2


@pytest.mark.parametrize(
    ("data", "annotations"),
    [
        pytest.param({"ca.crt": "of before"}, PUBLISHED, id="of another authority"),
        pytest.param({"ca.crt": "PEM", "more": "x"}, PUBLISHED, id="with something else"),
        pytest.param({}, PUBLISHED, id="empty"),
        pytest.param({"ca.crt": "PEM"}, {}, id="undescribed"),
    ],
)
async def test_the_root_certificate_is_mended(data: dict[str, str], annotations: dict[str, str]) -> None:
    bench = Bench(rootca.CONTROLLER, root_ca_file="PEM")
    bench.put(NAMESPACES, "default", "")
    metadata = {"annotations": {"kept": "x", **annotations}}
    content: JSON = {"kind": "ConfigMap", "apiVersion": "v1", "data": data, "immutable": False}
    known = bench.put(CONFIG_MAPS, "kube-root-ca.crt", metadata=metadata, **content)
    await bench.run()
    described = {**known["metadata"], "annotations": {"kept": "x", **PUBLISHED}}
    mended = {**known, "metadata": described, "data": {"ca.crt": "PEM"}}
    assert bench.actions == [("PUT", "configmaps/kube-root-ca.crt", mended)]


@pytest.mark.parametrize("refusal", [NotFound("gone"), TERMINATING], ids=["gone", "about to go"])
@pytest.mark.parametrize("controller", [rootca.CONTROLLER, serviceaccount.CONTROLLER], ids=lambda c: c.name)
async def test_nothing_is_tried_again_in_a_namespace_that_goes(
    controller: Controller, refusal: APIError, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(controller, root_ca_file="PEM")
    bench.put(NAMESPACES, "default", "")
    bench.api.fail("POST", "/namespaces/default", refusal)
    async with bench.running():
        await bench.advance(60)
    assert (len(bench.done), caplog.messages) == (1, [])


def brief(remains: Remains) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["message"]) for c in conditions(remains)}


def test_conditions_of_an_empty_namespace() -> None:
    assert {status for status, _ in brief(Remains()).values()} == {"False"}


def test_conditions_tell_what_remains() -> None:
    remains = Remains(Counter({"pods.": 2, "jobs.batch": 1}), Counter({"example.com/wait": 1}), ["no right"])
    assert {name: text for name, (status, text) in brief(remains).items() if status == "True"} == {
        "NamespaceDeletionContentFailure": "Failed to delete all resource types, 1 remaining: no right",
        "NamespaceContentRemaining": "Some resources are remaining: jobs.batch has 1 resource instances, "
        "pods. has 2 resource instances",
        "NamespaceFinalizersRemaining": "Some content in the namespace has finalizers remaining: "
        "example.com/wait in 1 resource instances",
    }
