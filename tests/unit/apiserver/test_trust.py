"""What several API servers say of whom to trust becomes one."""

from __future__ import annotations

import pytest

from knarr.apiserver.trust import united


def certificate(name: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n"


A, B = certificate("a"), certificate("b")


@pytest.mark.parametrize(
    ("found", "ours", "both"),
    [
        pytest.param(
            None, {"client-ca-file": A, "names": '["x"]'}, {"client-ca-file": A, "names": '["x"]'}, id="first"
        ),
        pytest.param({"client-ca-file": A}, {"client-ca-file": A}, {"client-ca-file": A}, id="the same"),
        pytest.param({"client-ca-file": A}, {"client-ca-file": B}, {"client-ca-file": A + B}, id="another"),
        pytest.param({"client-ca-file": A + B}, {"client-ca-file": A}, {"client-ca-file": A + B}, id="one of them"),
        pytest.param({"names": '["x"]'}, {"names": '["y"]'}, {"names": '["x", "y"]'}, id="lists"),
        pytest.param({"names": "nonsense"}, {"names": '["y"]'}, {"names": '["y"]'}, id="nonsense"),
        pytest.param({"other": "kept"}, {}, {"other": "kept"}, id="others' keys"),
    ],
)
def test_united(found: dict[str, str] | None, ours: dict[str, str], both: dict[str, str]) -> None:
    assert united(found, ours) == both
    assert united(both, ours) == both
