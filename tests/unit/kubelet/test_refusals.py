"""What a node does not run, and how it says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from knarr.kubelet import refusals
from knarr.kubelet.refusals import Refusal, refusal
from tests.unit.kubelet.pods import pod


def sysctl(name: str, **spec: Any) -> dict[str, Any]:
    return {"securityContext": {"sysctls": [{"name": name, "value": "1"}]}, **spec}


def profiled(type: str) -> dict[str, Any]:
    return {"containers": [{"name": "app", "securityContext": {"appArmorProfile": {"type": type}}}]}


CASES: dict[str, tuple[dict[str, Any], Refusal | None]] = {
    "nothing special": ({}, None),
    "this system": ({"os": {"name": "linux"}}, None),
    "another system": (
        {"os": {"name": "windows"}},
        Refusal("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS"),
    ),
    "a safe sysctl": (sysctl("net/ipv4/tcp_syncookies"), None),
    "a sysctl of the node's": (
        sysctl("kernel.msgmax"),
        Refusal("SysctlForbidden", 'forbidden sysctl: "kernel.msgmax" not allowlisted'),
    ),
    "a sysctl of the host's network": (
        sysctl("net.ipv4.tcp_syncookies", hostNetwork=True),
        Refusal("SysctlForbidden", 'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled'),
    ),
    "AppArmor that is not there": (
        profiled("RuntimeDefault"),
        Refusal("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host"),
    ),
    "no AppArmor": (profiled("Unconfined"), None),
    "no groups from the image": (
        {"securityContext": {"supplementalGroupsPolicy": "Strict"}},
        Refusal(
            "SupplementalGroupsPolicyNotSupported", "SupplementalGroupsPolicy=Strict is not supported in this node"
        ),
    ),
}


@pytest.mark.parametrize(("spec", "expected"), CASES.values(), ids=CASES.keys())
def test_refusals(
    spec: dict[str, Any], expected: Refusal | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "APP_ARMOR", tmp_path / "none")
    assert refusal(pod(spec)) == expected


def test_app_armor_where_the_kernel_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "enabled").write_text("Y\n")
    monkeypatch.setattr(refusals, "APP_ARMOR", tmp_path / "enabled")
    assert refusal(pod(profiled("RuntimeDefault"))) is None
