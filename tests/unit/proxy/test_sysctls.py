"""Kernel settings, in a directory that stands for /proc/sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from knarr.proxy.sysctls import WANTED, ensure


def test_what_differs_is_set(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in WANTED:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("0\n")
    ensure(tmp_path)
    assert {name: (tmp_path / name).read_text() for name in WANTED} == WANTED
    assert caplog.messages == []


def test_what_cannot_be_set_is_said_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "net/ipv4/ip_forward").mkdir(parents=True)
    ensure(tmp_path)
    assert caplog.messages == [
        "services may not be reachable from Pods, as these settings of the kernel could not be made: "
        "net.ipv4.ip_forward=1 (Is a directory), net.bridge.bridge-nf-call-iptables=1 "
        "(there is no such setting; is the module br_netfilter loaded?)"
    ]
