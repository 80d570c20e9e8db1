"""Jobs on a real API: Pods are counted once, whatever happens to them, and the conditions say how it ended."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.client.objects import JSON
from knarr.client.resources import JOBS, PODS
from knarr.controllers import job
from knarr.machinery.errors import NotFound
from tests.api.cluster import Cluster
from tests.api.harness import Server

TRACKING = "batch.kubernetes.io/job-tracking"


class Work(Cluster):
    """One Job, `pi`."""

    async def submit(self, restart: str = "Never", **spec: Any) -> JSON:
        template = {"spec": {"restartPolicy": restart, "containers": [{"name": "c", "image": "i"}]}}
        return await self.create(JOBS, "pi", {"template": template, **spec})

    async def pods(self) -> list[JSON]:
        """Those still at work."""
        found = await self.all(PODS)
        return [p for p in found if p["status"].get("phase") not in ("Succeeded", "Failed")]

    async def status(self) -> JSON:
        status: JSON = (await self.get(JOBS, "pi"))["status"]
        return status

    async def conditions(self) -> list[tuple[str, str, str]]:
        return [(c["type"], c["reason"], c["message"]) for c in (await self.status()).get("conditions", [])]

    async def numbers(self) -> JSON:
        status = await self.status()
        return {name: status[name] for name in ("active", "succeeded", "failed") if status.get(name)}


@pytest.fixture
def work(server: Server) -> Work:
    return Work(server)


async def test_a_job_runs_to_completion(work: Work) -> None:
    async with work.running(job.CONTROLLER):
        await work.submit()
        (pod,) = await work.pods()
        assert pod["metadata"]["finalizers"] == [TRACKING]
        assert await work.numbers() == {"active": 1}
        await work.start(pod)
        assert (await work.status())["ready"] == 1
        await work.end(pod)
        status = await work.status()
        assert await work.conditions() == [
            ("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods"),
            ("Complete", "CompletionsReached", "Reached expected number of succeeded pods"),
        ]
        assert await work.numbers() == {"succeeded": 1}
        assert (status["startTime"], status["completionTime"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
        assert status["uncountedTerminatedPods"] == {}
        assert not (await work.all(PODS))[0]["metadata"].get("finalizers")
        assert (await work.events())[-1] == "Completed: Job completed"


async def test_parallelism_and_completions(work: Work) -> None:
    async with work.running(job.CONTROLLER):
        await work.submit(parallelism=2, completions=5)
        seen = []
        while pods := await work.pods():
            seen.append(len(pods))
            await work.end(pods[0])
        assert (seen, await work.numbers()) == ([2, 2, 2, 2, 1], {"succeeded": 5})
        assert (await work.conditions())[-1][0] == "Complete"


async def test_failed_pods_are_replaced_ever_later_until_the_limit(work: Work) -> None:
    async with work.running(job.CONTROLLER):
        await work.submit(backoffLimit=2)
        for wait in (10, 20):
            await work.end((await work.pods())[0], "Failed")
            await work.advance(wait - 1)
            assert await work.pods() == []
            await work.advance(2)
        await work.end((await work.pods())[0], "Failed")
        text = "Job has reached the specified backoff limit"
        assert await work.conditions() == [
            ("FailureTarget", "BackoffLimitExceeded", text),
            ("Failed", "BackoffLimitExceeded", text),
        ]
        assert await work.numbers() == {"failed": 3}
        assert (await work.events())[-1] == f"BackoffLimitExceeded: {text}"
        assert "completionTime" not in await work.status()


async def test_the_deadline_ends_it_when_its_pods_have_gone(work: Work) -> None:
    async with work.running(job.CONTROLLER):
        await work.submit(activeDeadlineSeconds=30)
        (pod,) = await work.pods()
        await work.patch(PODS, pod["metadata"]["name"], {"metadata": {"finalizers": [TRACKING, "test/slow"]}})
        await work.start(pod)
        await work.advance(31)
        assert [c[:2] for c in await work.conditions()] == [("FailureTarget", "DeadlineExceeded")]
        await work.patch(PODS, pod["metadata"]["name"], {"metadata": {"finalizers": None}})
        with pytest.raises(NotFound):
            await work.purge(pod)
        text = "Job was active longer than specified deadline"
        assert (await work.conditions())[-1] == ("Failed", "DeadlineExceeded", text)
        assert await work.pods() == []


async def test_a_suspended_job_starts_when_resumed(work: Work) -> None:
    async with work.running(job.CONTROLLER):
        await work.submit(suspend=True)
        assert (await work.pods(), await work.conditions()) == ([], [("Suspended", "JobSuspended", "Job suspended")])
        await work.patch(JOBS, "pi", {"spec": {"suspend": False}})
        assert await work.conditions() == [("Suspended", "JobResumed", "Job resumed")]
        assert len(await work.pods()) == 1
        await work.patch(JOBS, "pi", {"spec": {"suspend": True}})
        assert await work.pods() == []
        assert "startTime" not in await work.status()


async def test_a_deleted_pod_is_replaced(work: Work) -> None:
    async with work.running(job.CONTROLLER):
        await work.submit()
        (pod,) = await work.pods()
        await work.client.delete(PODS, pod["metadata"]["name"], "default")
        await work.advance(10)
        (other,) = await work.pods()
        assert other["metadata"]["uid"] != pod["metadata"]["uid"]
        assert await work.numbers() == {"active": 1, "failed": 1}


async def test_a_work_queue_ends_with_its_workers(work: Work) -> None:
    async with work.running(job.CONTROLLER):
        await work.submit(parallelism=2)
        first, second = await work.pods()
        await work.end(first)
        assert (len(await work.pods()), await work.conditions()) == (1, [])
        await work.end(second)
        assert (await work.conditions())[-1][0] == "Complete"


async def test_indexed_pods_know_their_index_and_each_index_counts_once(work: Work) -> None:
    async with work.running(job.CONTROLLER):
        await work.submit(completionMode="Indexed", completions=4, parallelism=4)
        pods = {p["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"]: p for p in await work.pods()}
        assert sorted(pods) == ["0", "1", "2", "3"]
        assert pods["2"]["spec"]["hostname"] == "pi-2"
        assert pods["2"]["spec"]["containers"][0]["env"][0]["name"] == "JOB_COMPLETION_INDEX"
        for index in ("0", "1", "3"):
            await work.end(pods[index])
        assert (await work.status())["completedIndexes"] == "0,1,3"
        await work.end(pods["2"], "Failed")
        await work.advance(11)
        (again,) = await work.pods()
        assert again["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"] == "2"
        await work.end(again)
        assert (await work.status())["completedIndexes"] == "0-3"
        assert await work.numbers() == {"succeeded": 4, "failed": 1}


async def test_a_deleted_jobs_pods_are_let_go(work: Work) -> None:
    async with work.running(job.CONTROLLER):
        await work.submit()
        await work.client.delete(JOBS, "pi", "default", propagation="Orphan")
        await work.settle()
        await work.client.patch(JOBS, "pi", {"metadata": {"finalizers": None}}, "default")
        await work.settle()
        assert [p["metadata"].get("finalizers") or [] for p in await work.all(PODS)] == [[]]


async def test_restarts_in_place_count_against_the_limit(work: Work) -> None:
    async with work.running(job.CONTROLLER):
        await work.submit(restart="OnFailure", backoffLimit=2)
        (pod,) = await work.pods()
        restarted = {"name": "c", "image": "i", "imageID": "i", "ready": False, "restartCount": 2}
        status = {"phase": "Running", "containerStatuses": [restarted]}
        await work.patch(PODS, pod["metadata"]["name"], {"status": status}, "status")
        assert (await work.conditions())[-1][:2] == ("Failed", "BackoffLimitExceeded")
