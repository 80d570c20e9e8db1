"""What every namespace has, and what is told of one that goes."""

from __future__ import annotations

from collections import Counter

import pytest

from knarr.client.resources import CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS
from knarr.controllers import rootca, serviceaccount
from knarr.controllers.namespace import Remains, conditions
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


async def test_the_root_certificate_is_published_and_mended() -> None:
    bench = Bench(rootca.CONTROLLER, root_ca_file="PEM")
    bench.put(NAMESPACES, "default", "")
    async with bench.running():
        assert bench.actions[0][2]["data"] == {"ca.crt": "PEM"}
        known = bench.put(CONFIG_MAPS, "kube-root-ca.crt", data={"ca.crt": "forged", "more": "x"}, immutable=False)
        await bench.settle()
        mended = {**known, "data": {"ca.crt": "PEM"}}
        assert bench.actions[1] == ("PUT", "configmaps/kube-root-ca.crt", mended)


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
