"""What is said against flags of the audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from knarr.apiserver.metrics import Metrics
from knarr.cluster.apiserver.auditing import audit_of
from knarr.cluster.errors import UserError
from knarr.cluster.flags.audit import Audit
from knarr.machinery.clock import VirtualClock

LOG, WEBHOOK = {"audit_log_path": "/var/log/audit.log"}, {"audit_webhook_config_file": "/etc/webhook"}
MODES = '"batch,blocking,blocking-strict"'


@pytest.mark.parametrize(
    ("flags", "problems"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({**LOG, **WEBHOOK}, [], id="the defaults"),
        pytest.param({"audit_log_mode": "fast"}, [], id="of a log that there is not"),
        pytest.param(
            {**LOG, "audit_log_mode": "fast"}, [f"invalid audit log mode fast, allowed modes are {MODES}"], id="mode"
        ),
        pytest.param(
            {**LOG, "audit_log_format": "xml"},
            ['invalid audit log format xml, allowed formats are "legacy,json"'],
            id="format",
        ),
        pytest.param(
            {**LOG, "audit_log_maxage": -1}, ["--audit-log-maxage -1 can't be a negative number"], id="negative"
        ),
        pytest.param(
            {**LOG, "audit_log_version": "v1"},
            ['invalid group version, allowed versions are ["audit.k8s.io/v1"]'],
            id="version",
        ),
        pytest.param(
            {**WEBHOOK, "audit_webhook_batch_max_size": 0, "audit_webhook_batch_throttle_qps": 0.0},
            [
                "invalid audit batch webhook max batch size 0, must be a positive number",
                "invalid audit batch webhook throttle QPS 0, must be a positive number",
            ],
            id="batch",
        ),
        pytest.param(
            {**LOG, "audit_log_truncate_enabled": True, "audit_log_truncate_max_batch_size": 1},
            ["invalid audit truncate log max batch size 1, must be greater than max event size (102400)"],
            id="truncation",
        ),
    ],
)
def test_problems(flags: dict[str, Any], problems: list[str]) -> None:
    assert msgspec.convert(flags, Audit).problems() == problems


def made(**flags: Any) -> object:
    return audit_of(msgspec.convert(flags, Audit), VirtualClock(), Metrics())


def test_nothing_is_recorded_without_a_policy_or_a_place(tmp_path: Path) -> None:
    assert made(audit_log_path=str(tmp_path / "log")) is None
    assert made(audit_policy_file=str(tmp_path / "policy")) is None
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    policy, log = tmp_path / "policy", str(tmp_path / "policy" / "log")
    policy.write_text("kind: Policy\napiVersion: audit.k8s.io/v1\nrules: [{level: All}]")
    with pytest.raises(UserError, match=rf"^--audit-policy-file: .*rules\[0\]\.level: Unsupp.*: from file {policy}$"):
        made(audit_policy_file=str(policy), audit_log_path=log)
    policy.write_text("kind: Policy\napiVersion: audit.k8s.io/v1\nrules: [{level: None}]")
    with pytest.raises(UserError, match=r"^--audit-log-path: ensureLogFile: .*File exists"):
        made(audit_policy_file=str(policy), audit_log_path=log)
    with pytest.raises(UserError, match=r"^--audit-webhook-config-file: initializing audit webhook: there is no"):
        made(audit_policy_file=str(policy), audit_webhook_config_file=str(tmp_path / "kubeconfig"))
