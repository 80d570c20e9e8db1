"""What a Pod costs on its way through its type: python benchmarks/api_types.py.

Prints for each function the operations per second and the CPU time of one, with the Pod as a client sends it and as
the server has it, with managedFields. Decoding and defaulting change their argument: every turn has a copy of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import orjson

from knarr.api.types import duplicate_fields, type_of
from knarr.machinery.strategic import strategic_merge

JSON = dict[str, Any]

TURNS = 3000


def container(name: str) -> JSON:
    return {
        "name": name,
        "image": f"registry.example.com/team/{name}:1.4.2",
        "args": ["--listen=:8080", "--log-level=info", "--config=/etc/config/app.yaml"],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}, {"containerPort": 9090}],
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "token"}}},
            {"name": "MODE", "value": "production"},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1000m", "memory": "0.5Gi"}},
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "initialDelaySeconds": 10},
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/config", "readOnly": True},
            {"name": "data", "mountPath": "/var/lib/data"},
        ],
        "securityContext": {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
    }


def status(name: str) -> JSON:
    started = {"running": {"startedAt": "2026-01-01T00:00:05Z"}}
    image = f"registry.example.com/team/{name}"
    ids = {"imageID": f"{image}@sha256:{'0' * 64}", "containerID": f"containerd://{'1' * 64}"}
    return {"name": name, "ready": True, "restartCount": 0, "image": f"{image}:1.4.2", "state": started, **ids}


def pod() -> JSON:
    condition = {"status": "True", "lastProbeTime": None, "lastTransitionTime": "2026-01-01T00:00:07Z"}
    owned: JSON = {f"f:field{number}": {".": {}, "f:name": {}, "f:value": {}} for number in range(45)}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": "web-5d9c7b8f6d-x2x4z",
            "namespace": "production",
            "uid": "0b7f2c1e-6a3d-4c55-8a58-6d6a3f0f6c11",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app": "web", "tier": "frontend", "pod-template-hash": "5d9c7b8f6d"},
            "annotations": {"example.com/revision": "42", "example.com/owner": "team@example.com"},
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1", "controller": True}
            ],
            "managedFields": [
                {
                    "manager": manager,
                    "operation": "Update",
                    "apiVersion": "v1",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": owned,
                }
                for manager in ("kube-controller-manager",)
            ],
        },
        "spec": {
            "containers": [container("web"), container("sidecar")],
            "volumes": [
                {"name": "config", "configMap": {"name": "web", "items": [{"key": "app", "path": "app.yaml"}]}},
                {"name": "data", "emptyDir": {"sizeLimit": "1024Mi"}},
            ],
            "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "web", "effect": "NoSchedule"}],
            "nodeSelector": {"disk": "ssd"},
            "serviceAccountName": "web",
            "nodeName": "node-1",
        },
        "status": {
            "phase": "Running",
            "podIP": "10.244.0.17",
            "podIPs": [{"ip": "10.244.0.17"}],
            "conditions": [{"type": kind, **condition} for kind in ("Initialized", "Ready", "PodScheduled")],
            "containerStatuses": [status("web"), status("sidecar")],
        },
    }


def measure(name: str, function: Callable[[JSON], Any], tree: JSON) -> None:
    function(deepcopy(tree))  # compiles
    copies = [deepcopy(tree) for _ in range(TURNS)]
    wall, cpu = time.perf_counter(), time.process_time()
    for copy in copies:
        function(copy)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name:34} {TURNS / wall:10.0f} /s {cpu / TURNS * 1e6:8.1f} us CPU")


def measure_start(name: str, code: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", f"import time; t = time.process_time()\n{code}\n{_REPORT}"],
        check=True,
        capture_output=True,
    )
    print(f"{name:34} {float(run.stdout):21.1f} ms CPU")


_REPORT = "print((time.process_time() - t) * 1e3)"


def main() -> None:
    sent = pod()
    body = orjson.dumps(sent)
    kind = type_of("io.k8s.api.core.v1.Pod")

    def all_three(tree: JSON) -> None:
        kind.decode(tree)
        kind.default(tree)
        kind.validate(tree)

    stored = deepcopy(sent)
    kind.decode(stored)
    kind.default(stored)
    print(f"a Pod of {len(body)} bytes; its faults: {[str(e) for e in kind.validate(stored)]}")
    measure("decode", kind.decode, sent)
    measure("default, as sent", kind.default, sent)
    measure("default, nothing to do", kind.default, stored)
    measure("validate", kind.validate, stored)
    measure("decode, default, validate", all_three, sent)
    measure("validate_update", lambda tree: kind.validate_update(tree, stored), stored)
    patch = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "web", "image": "b"}]}}
    measure("strategic_merge", lambda tree: strategic_merge(tree, patch, kind.patch_schema), stored)
    measure("duplicate_fields", lambda tree: duplicate_fields(body, tree), sent)
    measure("for comparison: orjson.loads", lambda tree: orjson.loads(body), {})
    measure_start("import knarr.api.types", "import knarr.api.types")
    ready = "from knarr.api.types import type_of; p = type_of('io.k8s.api.core.v1.Pod')"
    measure_start("the same and decode a first Pod", f"{ready}; p.decode({{'spec': {{'containers': [{{}}]}}}})")


if __name__ == "__main__":
    main()
