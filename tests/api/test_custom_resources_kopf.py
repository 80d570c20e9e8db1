"""An operator written with kopf on a custom resource: finalizer, timer, status, and its definition's end."""

from __future__ import annotations

from typing import Any

import kopf
import pytest

from tests.api.definitions import definition, version
from tests.api.processes import ServerProcess
from tests.api.test_clients_kopf import FINALIZER, Operator, operating, until

JSON = dict[str, Any]
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
STATUS = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

pytestmark = pytest.mark.filterwarnings("ignore")  # kopf's own, of its loops and sessions


class Ships(Operator):
    """The same operator, of widgets, whose handlers' results are kept in the status."""

    def __init__(self, group: str) -> None:
        super().__init__()
        self.group = group

    def declare(self, process: ServerProcess) -> None:
        super().declare(process)
        what: JSON = {"registry": self.registry}
        kopf.on.create(self.group, "v1", "widgets", **what)(self._launch)
        kopf.on.update(self.group, "v1", "widgets", field="spec.size", **what)(self._update)
        kopf.on.delete(self.group, "v1", "widgets", **what)(self._delete)
        kopf.timer(self.group, "v1", "widgets", interval=0.2, **what)(self._tick)

    async def _launch(self, spec: Any, **_: Any) -> JSON:
        self.log.append("create")
        return {"afloat": spec["color"]}


def crd(group: str) -> JSON:
    served = version()
    served["schema"]["openAPIV3Schema"]["properties"]["status"] = STATUS
    made = definition(served, group=group)
    return {**made, "metadata": {"name": f"widgets.{group}"}}


def status(process: ServerProcess, path: str) -> JSON:
    return dict(process.send("GET", path).json.get("status", {}))


async def test_an_operator_of_custom_resources(process: ServerProcess, namespace: str) -> None:
    group = f"{namespace}.example.com"
    widgets = f"/apis/{group}/v1/namespaces/{namespace}/widgets"
    process.send("POST", DEFINITIONS, crd(group), "")
    await until(lambda: process.send("GET", widgets).status == 200)
    operator = Ships(group)
    operator.declare(process)
    argo = {"kind": "Widget", "apiVersion": f"{group}/v1", "metadata": {"name": "argo"}, "spec": {"size": 1}}
    async with operating(operator, namespace):
        assert process.send("POST", widgets, argo, "").status == 201
        await until(lambda: operator.log == ["create"] and operator.ticks > 1)
        await until(lambda: {"afloat": "red"} in status(process, f"{widgets}/argo").values())
        assert process.send("GET", f"{widgets}/argo").json["metadata"]["finalizers"] == [FINALIZER]
        process.send("PATCH", f"{widgets}/argo", {"spec": {"size": 2}}, "application/merge-patch+json")
        await until(lambda: operator.log == ["create", "1 to 2"])
        process.send("DELETE", f"{DEFINITIONS}/widgets.{group}")
        await until(lambda: process.send("GET", f"{DEFINITIONS}/widgets.{group}").status == 404)
        assert operator.log == ["create", "1 to 2", "delete"]
