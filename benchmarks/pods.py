"""A Pod from its creation to Ready, its image present, against the same calls to the runtime alone.

python -m benchmarks.pods [rounds]

The bare calls are RunPodSandbox, CreateContainer and StartContainer, to the same containerd with the sandbox that the
kubelet would ask for.
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from statistics import median

from benchmarks.clusters import Cluster, remove_pods, run_pods, running_cluster
from benchmarks.measuring import cpu_seconds, say
from knarr.client.client import Client
from knarr.client.objects import Meta
from knarr.cluster.pause import sandbox_image
from knarr.kubelet.cri.client import CRIRuntime
from knarr.kubelet.cri.runtime import ContainerConfig, SandboxConfig
from knarr.kubelet.dns import ClusterDNS
from knarr.kubelet.objects import Pod
from knarr.kubelet.options import PodOptions
from knarr.kubelet.sandboxes import sandbox_config
from knarr.machinery.clock import RealClock

AT_ONCE = 30


class Bare:
    """Containers by the runtime's interface alone."""

    def __init__(self, cluster: Cluster) -> None:
        self.config = cluster.config
        self.runtime = CRIRuntime(str(self.config.containerd_socket), RealClock())
        self.made: list[str] = []

    async def run(self, count: int) -> float:
        """Start so many at once; seconds until all run."""
        started = time.perf_counter()
        await asyncio.gather(*(self._start() for _ in range(count)))
        return time.perf_counter() - started

    async def _start(self) -> None:
        sandbox = self._sandbox()
        made = await self.runtime.run_sandbox(sandbox)
        self.made.append(made)
        container = ContainerConfig("main", sandbox_image(), log_path="main.log")
        await self.runtime.start_container(await self.runtime.create_container(made, container, sandbox))

    def _sandbox(self) -> SandboxConfig:
        """What the kubelet would ask for, without the labels by which it knows its own."""
        uid = str(uuid.uuid4())
        pod = Pod(metadata=Meta(name=uid, namespace="bare", uid=uid))
        options = PodOptions(
            self.config.node_name,
            (self.config.node_ip,),
            self.config.root,
            log_root=self.config.logs / "pods",
            dns=ClusterDNS((self.config.dns_ip,)),
        )
        return replace(sandbox_config(pod, options, f"/{self.config.cgroup}/{uid}", 0), labels={})

    async def clear(self) -> None:
        for sandbox in self.made:
            await self.runtime.stop_sandbox(sandbox)
            await self.runtime.remove_sandbox(sandbox)
        self.made.clear()


class Whole:
    """Pods by the API."""

    def __init__(self, api: Client, runtime: CRIRuntime) -> None:
        self.api, self.runtime = api, runtime
        self.names: list[str] = []

    async def run(self, count: int) -> float:
        """Create so many at once; seconds until all are Ready."""
        self.names = [f"pod-{uuid.uuid4().hex[:8]}" for _ in range(count)]
        return await run_pods(self.api, sandbox_image(), self.names)

    async def clear(self) -> None:
        """Return when the node has cleaned up as well, so that it does not do so at the next round's cost."""
        await remove_pods(self.api, self.names)
        while await self.runtime.sandboxes():
            await asyncio.sleep(0.05)


def main(rounds: int = 10) -> None:
    with running_cluster() as cluster:
        asyncio.run(measure(cluster, rounds))


async def measure(cluster: Cluster, rounds: int) -> None:
    """Print how long one Pod takes and 30 at once, with what each costs the processes of the node.

    Both kinds take turns, so that other work on the machine slows both.
    """
    api, used = cluster.client(), ("server", "agent")
    bare = Bare(cluster)
    whole = Whole(api, bare.runtime)
    say("Pods, image present", "Knarr", "bare CRI calls", "ratio")
    for text, count, times in (("one Pod", 1, rounds), (f"{AT_ONCE} Pods at once", AT_ONCE, max(1, rounds // 5))):
        cpu = dict.fromkeys(used, 0.0)
        ready, alone = [], []
        for _ in range(times):
            before = _cpu(cluster.pids())
            ready.append(await _round(whole, count))
            after = _cpu(cluster.pids())
            cpu = {name: cpu[name] + after[name] - before[name] for name in used}
            alone.append(await _round(bare, count))
        ours, theirs = median(ready), median(alone)
        say(text, f"{ours * 1000:.0f} ms", f"{theirs * 1000:.0f} ms", f"{ours / theirs:.2f}")
        for name in used:
            say(f"  CPU of {name} per Pod, with removal", f"{cpu[name] / times / count * 1000:.1f} ms")
    await api.close()


async def _round(target: Whole | Bare, count: int) -> float:
    taken = await target.run(count)
    await target.clear()
    return taken


def _cpu(pids: Mapping[str, int]) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in pids.items()}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
