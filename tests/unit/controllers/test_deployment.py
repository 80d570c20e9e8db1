"""Deployments, with their ReplicaSets' controller at work and Pods that become ready when the test says so."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.client.objects import JSON
from knarr.client.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from knarr.controllers import deployment, replicaset
from tests.unit.controllers.bench import NOW, Bench

META = {"uid": "d", "generation": 1}


def template(image: str) -> JSON:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}


class Site(Bench):
    """A Deployment `web` of Pods `app: web`."""

    def __init__(self) -> None:
        super().__init__(deployment.CONTROLLER, replicaset.CONTROLLER)
        self.most, self.least = 0, 10**6

    def deploy(self, replicas: int = 3, image: str = "v1", **spec: Any) -> None:
        known = self.api.objects.get(DEPLOYMENTS.path("default", "web"), {"metadata": META, "spec": {}})
        generation = known["metadata"]["generation"] + ("resourceVersion" in known["metadata"])
        content = {
            "selector": {"matchLabels": {"app": "web"}},
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            **known["spec"],
            "replicas": replicas,
            "template": template(image),
            **spec,
        }
        metadata = {**known["metadata"], "generation": generation}
        self.put(DEPLOYMENTS, "web", metadata=metadata, spec=content)

    async def make_ready(self, *images: str) -> None:
        """Start every Pod of these images (default: all) one by one, and note how many there are."""
        while waiting := [
            p for p in self.all(PODS) if "status" not in p and self.image(p) in (images or (self.image(p),))
        ]:
            condition = {"type": "Ready", "status": "True", "lastTransitionTime": NOW}
            self.put(PODS, waiting[0]["metadata"]["name"], status={"phase": "Running", "conditions": [condition]})
            await self.settle()
            self.most = max(self.most, len(self.all(PODS)))
            self.least = min(self.least, sum("status" in p for p in self.all(PODS)))

    @staticmethod
    def image(obj: JSON) -> str:
        spec = obj["spec"].get("template", obj)["spec"]
        return str(spec["containers"][0]["image"])

    @property
    def sizes(self) -> dict[str, int]:
        return {self.image(s): s["spec"]["replicas"] for s in self.all(REPLICA_SETS)}

    @property
    def status(self) -> JSON:
        status: JSON = self.get(DEPLOYMENTS, "web")["status"]
        return status

    def condition(self, type: str) -> tuple[str, str, str]:
        found = next(c for c in self.status["conditions"] if c["type"] == type)
        return found["status"], found["reason"], found["message"]

    def revision(self, image: str) -> str:
        found = next(s for s in self.all(REPLICA_SETS) if self.image(s) == image)
        return str(found["metadata"]["annotations"]["deployment.kubernetes.io/revision"])

    def told(self, reason: str) -> list[str]:
        return [e.partition(": ")[2] for e in self.events if e.startswith(reason)]


@pytest.fixture
def site() -> Site:
    return Site()


async def test_the_first_replica_set(site: Site) -> None:
    site.deploy()
    async with site.running():
        (made,) = site.all(REPLICA_SETS)
        digest = made["metadata"]["labels"]["pod-template-hash"]
        assert set(digest) <= set("bcdfghjklmnpqrstvwxz2456789")
        assert made["metadata"]["name"] == f"web-{digest}"
        assert made["metadata"]["annotations"] == {
            "deployment.kubernetes.io/desired-replicas": "3",
            "deployment.kubernetes.io/max-replicas": "4",
            "deployment.kubernetes.io/revision": "1",
        }
        assert made["spec"]["selector"] == {"matchLabels": {"app": "web", "pod-template-hash": digest}}
        assert made["spec"]["template"]["metadata"]["labels"] == {"app": "web", "pod-template-hash": digest}
        assert site.get(DEPLOYMENTS, "web")["metadata"]["annotations"] == {"deployment.kubernetes.io/revision": "1"}
        assert site.told("ScalingReplicaSet") == [f"Scaled up replica set web-{digest} from 0 to 3"]
        assert site.condition("Available")[:2] == ("False", "MinimumReplicasUnavailable")


async def test_a_finished_rollout_says_so(site: Site) -> None:
    site.deploy()
    async with site.running():
        await site.make_ready()
        name = site.all(REPLICA_SETS)[0]["metadata"]["name"]
        text = f'ReplicaSet "{name}" has successfully progressed.'
        assert site.condition("Progressing") == ("True", "NewReplicaSetAvailable", text)
        assert site.condition("Available") == (
            "True", "MinimumReplicasAvailable", "Deployment has minimum availability.",
        )  # fmt: skip
        numbers = {k: v for k, v in site.status.items() if k != "conditions"}
        assert numbers == {
            "observedGeneration": 1,
            "replicas": 3,
            "updatedReplicas": 3,
            "readyReplicas": 3,
            "availableReplicas": 3,
            "terminatingReplicas": 0,
        }


@pytest.mark.parametrize(
    ("surge", "unavailable", "most", "least"),
    [
        pytest.param("25%", "25%", 5, 3, id="defaults"),
        pytest.param(2, 0, 6, 4, id="surge only"),
        pytest.param(0, 1, 4, 3, id="no surge"),
        pytest.param("100%", "100%", 8, 0, id="all at once"),
        pytest.param(0, 0, 4, 3, id="neither: one may be missing"),
    ],
)
async def test_a_rolling_update_keeps_its_limits(
    site: Site, surge: int | str, unavailable: int | str, most: int, least: int
) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    site.deploy(4, strategy=strategy)
    async with site.running():
        await site.make_ready()
        site.most, site.least = 0, 10**6
        site.deploy(4, "v2")
        await site.settle()
        await site.make_ready()
        assert site.sizes == {"v1": 0, "v2": 4}
        assert (site.most <= most, site.least >= least) == (True, True), (site.most, site.least)
        assert (site.revision("v1"), site.revision("v2")) == ("1", "2")


async def test_a_rollback_finds_the_old_replica_set(site: Site) -> None:
    site.deploy()
    async with site.running():
        await site.make_ready()
        site.deploy(image="v2")
        await site.settle()
        await site.make_ready()
        site.deploy(image="v1")
        await site.settle()
        await site.make_ready()
        assert site.sizes == {"v1": 3, "v2": 0}
        assert (site.revision("v1"), site.revision("v2")) == ("3", "2")
        old = next(s for s in site.all(REPLICA_SETS) if site.image(s) == "v1")
        assert old["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "1"
        assert site.get(DEPLOYMENTS, "web")["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


async def test_a_broken_image_stops_the_rollout_before_it_hurts(site: Site) -> None:
    site.deploy(4)
    async with site.running():
        await site.make_ready()
        site.deploy(4, "broken")
        await site.settle()
        assert site.sizes == {"v1": 3, "broken": 2}
        await site.advance(602)
        status, reason, text = site.condition("Progressing")
        assert (status, reason) == ("False", "ProgressDeadlineExceeded")
        assert text.endswith("has timed out progressing.")
        site.deploy(4, "v3")
        await site.settle()
        await site.make_ready("v3")
        assert site.sizes == {"v1": 0, "broken": 0, "v3": 4}
        assert site.condition("Progressing")[1] == "NewReplicaSetAvailable"


async def test_scaling_is_no_rollout(site: Site) -> None:
    site.deploy(2)
    async with site.running():
        await site.make_ready()
        site.deploy(5)
        await site.settle()
        name = site.all(REPLICA_SETS)[0]["metadata"]["name"]
        assert site.sizes == {"v1": 5}
        assert site.told("ScalingReplicaSet")[1:] == [f"Scaled up replica set {name} from 2 to 5"]
        annotations = site.all(REPLICA_SETS)[0]["metadata"]["annotations"]
        assert annotations["deployment.kubernetes.io/desired-replicas"] == "5"
        site.deploy(0)
        await site.settle()
        assert (site.sizes, site.all(PODS)) == ({"v1": 0}, [])


async def test_scaling_during_a_rollout_is_proportional(site: Site) -> None:
    site.deploy(10, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}})
    async with site.running():
        await site.make_ready()
        site.deploy(10, "broken")
        await site.settle()
        assert site.sizes == {"v1": 8, "broken": 5}
        site.deploy(15, "broken")  # the example of the documentation
        await site.settle()
        assert site.sizes == {"v1": 11, "broken": 7}


async def test_a_paused_one_only_scales(site: Site) -> None:
    site.deploy(2)
    async with site.running():
        await site.make_ready()
        site.deploy(2, "v2", paused=True)
        await site.settle()
        assert site.sizes == {"v1": 2}
        assert site.condition("Progressing") == ("Unknown", "DeploymentPaused", "Deployment is paused")
        site.deploy(3, "v2")
        await site.settle()
        assert site.sizes == {"v1": 3}
        site.deploy(3, "v2", paused=False)
        await site.settle()
        await site.make_ready()
        assert site.sizes == {"v1": 0, "v2": 3}


async def test_recreate_waits_for_the_old_pods_to_go(site: Site) -> None:
    site.deploy(2, strategy={"type": "Recreate"})
    async with site.running():
        await site.make_ready()
        site.most = 0
        site.deploy(2, "v2")
        await site.settle()
        await site.make_ready()
        assert (site.sizes, site.most) == ({"v1": 0, "v2": 2}, 2)


async def test_history_keeps_the_newest(site: Site) -> None:
    site.deploy(1, revisionHistoryLimit=1)
    async with site.running():
        for image in ("v1", "v2", "v3", "v4"):
            site.deploy(1, image)
            await site.settle()
            await site.make_ready()
        assert site.sizes == {"v3": 0, "v4": 1}


async def test_annotations_are_copied_but_the_last_applied(site: Site) -> None:
    site.deploy(1)
    known = site.get(DEPLOYMENTS, "web")
    annotations = {"owner": "me", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    site.put(DEPLOYMENTS, "web", metadata={**known["metadata"], "annotations": annotations})
    async with site.running():
        copied = site.all(REPLICA_SETS)[0]["metadata"]["annotations"]
        assert (copied["owner"], "kubectl.kubernetes.io/last-applied-configuration" in copied) == ("me", False)


async def test_a_taken_name_changes_the_hash(site: Site) -> None:
    site.deploy(1)
    await site.run()
    taken = site.all(REPLICA_SETS)[0]["metadata"]["name"]
    other = Site()
    other.put(REPLICA_SETS, taken, metadata={"uid": "theirs"}, spec={"replicas": 0, "template": template("other")})
    other.deploy(1)
    async with other.running():
        await other.advance(1)
        assert other.status["collisionCount"] == 1
        assert len(other.all(REPLICA_SETS)) == 2


async def test_a_settled_one_is_left_alone(site: Site) -> None:
    site.deploy(2)
    async with site.running():
        await site.make_ready()
        before = len(site.actions)
        site.put(DEPLOYMENTS, "web")
        await site.settle()
        assert len(site.actions) == before


async def test_an_empty_selector_is_refused(site: Site) -> None:
    site.deploy(2, selector={})
    await site.run()
    assert site.told("SelectingAll")[0] == "This deployment is selecting all pods. A non-empty selector is required."
    assert site.status["observedGeneration"] == 1
    assert site.all(REPLICA_SETS) == []
