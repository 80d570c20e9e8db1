"""How a server says how it is: health by named checks, their figures, and pages for people."""

from __future__ import annotations

import json

from knarr.wire.messages import Request, Response
from tests.api.front import Running


async def ask(front: Running, path: str, **headers: str) -> Response:
    target, _, query = path.partition("?")
    return await front.admin.request(Request("GET", target, query, headers))


async def test_health_is_told_by_upstreams_names(front: Running) -> None:
    verbose = (await ask(front, "/readyz?verbose&exclude=log")).body.decode().splitlines()
    named = [line for line in verbose if "poststarthook/" not in line]
    assert named == [
        "[+]ping ok",
        "[+]log excluded: ok",
        "[+]etcd ok",
        "[+]etcd-readiness ok",
        "[+]informer-sync ok",
        "[+]autoregister-completion ok",
        "[+]shutdown ok",
        "readyz check passed",
    ]
    hooks = {"crd-informer-synced", "scheduling/bootstrap-system-priority-classes", "kube-apiserver-autoregistration"}
    assert {f"[+]poststarthook/{hook} ok" for hook in hooks} <= set(verbose)
    assert (await ask(front, "/livez/poststarthook/crd-informer-synced")).body == b"ok"
    assert (await ask(front, "/livez/nope")).status == 404
    told = (await ask(front, "/metrics/slis")).body.decode()
    assert 'kubernetes_healthcheck{name="etcd",type="readyz"} 1' in told
    assert (
        'kubernetes_healthchecks_total{name="poststarthook/crd-informer-synced",status="success",type="livez"} 1'
        in told
    )


async def test_a_server_that_stops_is_not_ready_and_answers_on(front: Running) -> None:
    front.front.application.stop()
    refused = await ask(front, "/readyz")
    assert (refused.status, refused.body.decode().splitlines()[-2:]) == (
        500,
        ["[-]shutdown failed: reason withheld", "readyz check failed"],
    )
    assert (await ask(front, "/livez")).status == (await ask(front, "/api/v1/namespaces")).status == 200


async def test_pages_for_people(front: Running) -> None:
    said = (await ask(front, "/statusz", accept="application/json, */*")).body.decode().splitlines()
    assert said[:2] == ["", "kube-apiserver statusz"]
    assert {"Binary version: 1.36.0+knarr", "Emulation version: 1.36"} <= set(said)
    flags = await ask(front, "/flagz", accept="application/json;v=v1beta1;g=config.k8s.io;as=Flagz")
    tree = json.loads(flags.body)
    assert (tree["kind"], tree["apiVersion"]) == ("Flagz", "config.k8s.io/v1beta1")
    assert tree["flags"]["service-cluster-ip-range"] == "10.96.0.0/16"
    for accept in ("application/json", "application/json;v=v1beta1;g=config.k8s.io"):
        assert (await ask(front, "/statusz", accept=accept)).status == 406
