"""The audit log of a server as users run it: what is in it when the server has ended, however it ended."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from knarr.cluster.flags.table import APIFlags
from tests.api.audits import auditing, policy
from tests.api.processes import PATIENCE, Reply, ServerProcess, chosen_datastore, configured, launched

JSON = dict[str, Any]
MAPS = "/api/v1/namespaces/default/configmaps"
WANTED = policy(
    {"level": "None", "resources": [{"group": "coordination.k8s.io"}]},
    {"level": "Metadata"},
    omitStages=["RequestReceived"],
)


@contextmanager
def audited_process(directory: Path, **flags: Any) -> Iterator[ServerProcess]:
    """Who uses it ends it."""
    with chosen_datastore(directory) as datastore:
        flagged = APIFlags(audit=auditing(directory, WANTED, **flags))
        server = launched(configured(directory, api=flagged, **datastore), directory / "server.log")
        try:
            yield server
        finally:
            server.process.kill()
            server.process.wait(PATIENCE)


def events(directory: Path) -> list[JSON]:
    """All events; every line must be one."""
    return [json.loads(line) for path in sorted(directory.glob("audit*.log")) for line in path.read_text().splitlines()]


def send(server: ServerProcess, number: int) -> list[str]:
    """So many requests; their audit ids."""
    answers: list[Reply] = [server.send("GET", f"{MAPS}/{name}") for name in range(number)]
    return [answer.headers["audit-id"] for answer in answers]


@pytest.mark.parametrize("mode", ["batch", "blocking"])
def test_who_stops_has_written_everything(tmp_path: Path, mode: str) -> None:
    with audited_process(tmp_path, audit_log_mode=mode) as server:
        asked = send(server, 20)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0, server.said()
    found = events(tmp_path)
    assert [event["auditID"] for event in found if event["auditID"] in asked] == asked
    assert "Traceback" not in server.said()
    controllers = {event["user"]["username"] for event in found if "serviceaccount" in event["user"]["username"]}
    assert "system:serviceaccount:kube-system:service-account-controller" in controllers
    assert (tmp_path / "audit.log").stat().st_mode & 0o777 == 0o600


def test_who_is_killed_has_written_what_was_answered(tmp_path: Path) -> None:
    with audited_process(tmp_path) as server:
        asked = send(server, 20)
        server.process.kill()
    assert [event["auditID"] for event in events(tmp_path) if event["auditID"] in asked] == asked


def test_full_files_are_put_aside(tmp_path: Path) -> None:
    with audited_process(tmp_path, audit_log_maxsize=1, audit_log_maxbackup=2) as server:
        asked: list[str] = []
        while len(list(tmp_path.glob("audit-*.log"))) < 2:
            answer = server.send("GET", f"{MAPS}/none?pad={'x' * 60_000}")
            asked.append(answer.headers["audit-id"])
    found = events(tmp_path)
    assert sorted(event["auditID"] for event in found if event["auditID"] in asked) == sorted(asked)
    assert all(path.stat().st_size <= 1 << 20 for path in tmp_path.glob("audit*.log"))


def test_a_policy_that_cannot_be_is_said_at_the_start(tmp_path: Path) -> None:
    flags = auditing(tmp_path, policy({"level": "All"}))
    config = configured(tmp_path, api=APIFlags(audit=flags))
    with pytest.raises(AssertionError, match=r'rules\[0\]\.level: Unsupported value: "All"'):
        launched(config, tmp_path / "server.log")
    assert "Traceback" not in (tmp_path / "server.log").read_text()
