"""What recording costs a request: the server's CPU time for a GET of a ConfigMap, its writer thread included."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from knarr.api.kinds.table import KINDS
from knarr.apiserver.api import API
from knarr.apiserver.app import Application
from knarr.apiserver.assembly import Security, assemble
from knarr.apiserver.audit.auditing import Audit
from knarr.apiserver.audit.levels import RECEIVED
from knarr.apiserver.audit.logs import Log, open_log
from knarr.apiserver.audit.matching import Matcher
from knarr.apiserver.audit.policies import Policy, Resources, Rule
from knarr.apiserver.audit.rotation import Rotation
from knarr.apiserver.audit.sinks import Backend, Batch, Blocking, Buffered, Failures, Sink
from knarr.apiserver.authn.keys import AccountTokenRules
from knarr.apiserver.authn.users import User
from knarr.apiserver.indexing import index_of
from knarr.apiserver.kinds import Kinds
from knarr.machinery.clock import RealClock
from knarr.storage.cache import WatchCache
from knarr.storage.memory import MemoryStore
from knarr.wire.messages import Request, Response
from knarr.wire.tls import client_context
from tests.api.front import token_keys

ADMIN = User("kubernetes-admin", groups=("system:masters", "system:authenticated"))
MAPS = "/api/v1/namespaces/default/configmaps"
AGENT = {"user-agent": "kubectl/v1.33.0 (linux/amd64) kubernetes/8adc0f0", "accept": "application/json"}
GET = Request("GET", f"{MAPS}/c", "", AGENT)
ROUNDS, AT_ONCE = 20_000, 16
_LEASES = Rule(level="None", resources=(Resources(group="coordination.k8s.io", resources=("leases",)),))
_SYSTEM = Rule(level="None", users=("system:kube-scheduler", "system:kube-controller-manager"))


def main() -> None:
    asyncio.run(_main())


async def _main() -> None:
    print("audit: CPU per request, beside what the request costs itself")
    plain = await _cost(None, batch=True)
    print(f"  not audited, the whole request: {plain:.1f} us")
    for what, level, omitted, batch in (
        ("a policy that records nothing of it", "None", (), True),
        ("Metadata, in batches", "Metadata", (RECEIVED,), True),
        ("Metadata, in batches, RequestReceived too", "Metadata", (), True),
        ("RequestResponse, in batches", "RequestResponse", (RECEIVED,), True),
        ("Metadata, blocking", "Metadata", (RECEIVED,), False),
    ):
        rule = Rule(level=level, omit_stages=omitted)
        policy = Policy(rules=(_LEASES, _SYSTEM, rule))
        print(f"  {what}: {await _cost(policy, batch=batch) - plain:.1f} us")


async def _cost(policy: Policy | None, *, batch: bool) -> float:
    """Microseconds of a request, the best of three times."""
    with TemporaryDirectory() as directory:
        async with _application(Path(directory), policy, batch=batch) as application:
            return min([await _round(application) for _ in range(3)])


async def _round(application: Application) -> float:
    started = time.process_time()
    await asyncio.gather(*(_ask(application, ROUNDS // AT_ONCE) for _ in range(AT_ONCE)))
    return (time.process_time() - started) / ROUNDS * 1e6


async def _ask(application: Application, times: int) -> None:
    for _ in range(times):
        await application.serve(GET, ADMIN)
        await asyncio.sleep(0)  # others are served in between


@asynccontextmanager
async def _application(directory: Path, policy: Policy | None, *, batch: bool) -> AsyncIterator[Application]:
    clock, kinds, store = RealClock(), Kinds(KINDS), MemoryStore()
    cache = WatchCache(store, index_of(kinds), clock=clock)
    await cache.start()
    api = API(kinds, store, cache, clock)
    api.start()
    metrics = api.registry.metrics
    log = Log(open_log(str(directory / "audit.log"), Rotation(), clock), "json", Failures(metrics))
    sinks: Sequence[Sink] = [_sink(log, clock, Failures(metrics), batch=batch)]
    audit = Audit(Matcher(policy), sinks, clock, metrics) if policy else None
    front = assemble(api, Security(client_context(), AccountTokenRules(token_keys())), asyncio.Event(), audit=audit)
    await _create(front.application, "/api/v1/namespaces", b'{"metadata":{"name":"default"}}')
    await _create(front.application, MAPS, b'{"metadata":{"name":"c"},"data":{"k":"%b"}}' % (b"x" * 1000))
    gc.collect()
    gc.freeze()  # as the server does
    yield front.application
    for sink in sinks:
        await sink.close(10)
    await front.kubelets.close()
    api.close()
    await cache.stop()


async def _create(application: Application, path: str, body: bytes) -> None:
    answer = await application.serve(Request("POST", path, "", AGENT, body), ADMIN)
    assert isinstance(answer, Response)
    assert answer.status == 201, answer.body


def _sink(backend: Backend, clock: RealClock, failures: Failures, *, batch: bool) -> Sink:
    return Buffered(backend, Batch(100_000, 100_000, 0.02), clock, failures) if batch else Blocking(backend)
