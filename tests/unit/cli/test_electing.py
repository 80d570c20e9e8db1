"""Upstream's flags of leader election."""

from __future__ import annotations

from pathlib import Path

import pytest

from knarr.cli.electing import ELECTING
from knarr.cli.parsing import parse
from knarr.cli.parts import configured
from knarr.cluster.config import Config, save
from knarr.cluster.elections import Elections
from knarr.cluster.errors import UserError


def elections(data: Path, *flags: str) -> Elections:
    save(Config(data=str(data)))
    return configured(parse(["scheduler", "--data-dir", str(data), *flags]), [ELECTING]).elections


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        pytest.param([], Elections(), id="none"),
        pytest.param(["--leader-elect"], Elections(elect=True), id="wanted"),
        pytest.param(["--leader-elect=false"], Elections(elect=False), id="not wanted"),
        pytest.param(
            ["--leader-elect-lease-duration=1m", "--leader-elect-renew-deadline=40s", "--leader-elect-retry-period=5s"],
            Elections(lease_duration=60, renew_deadline=40, retry_period=5),
            id="times",
        ),
        pytest.param(
            ["--leader-elect-resource-namespace", "here"], Elections(resource_namespace="here"), id="elsewhere"
        ),
    ],
)
def test_flags(tmp_path: Path, flags: list[str], expected: Elections) -> None:
    assert elections(tmp_path, *flags) == expected


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--leader-elect-lease-duration=10s"], "leaseDuration must be greater than renewDeadline"),
        (["--leader-elect-renew-deadline=2s"], r"renewDeadline must be greater than retryPeriod\*JitterFactor"),
        (["--leader-elect-retry-period=0s"], "retryPeriod must be greater than zero"),
    ],
)
def test_times_that_do_not_go_together(tmp_path: Path, flags: list[str], why: str) -> None:
    with pytest.raises(UserError, match=why):
        elections(tmp_path, *flags)


def test_nonsense_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("--leader-elect=perhaps", "--leader-elect-retry-period=soon"):
        with pytest.raises(SystemExit):
            elections(tmp_path, flag)
    assert 'invalid duration "soon"' in capsys.readouterr().err
