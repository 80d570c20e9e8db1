"""The tables list what is on disk: a file that nobody lists does nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from knarr.api.kinds.table import KINDS
from knarr.apiserver import admission, effects
from knarr.apiserver.admission.table import PLUGINS
from knarr.apiserver.effects.table import EFFECTS

_OTHERS = {"__init__", "table", "plugin", "effect"}


def _files(package: str) -> set[str]:
    return {path.stem for path in Path(package).parent.glob("*.py")} - _OTHERS


@pytest.mark.parametrize(
    ("package", "functions"),
    [
        pytest.param(str(admission.__file__), [plugin.admit for plugin in PLUGINS], id="admission"),
        pytest.param(str(effects.__file__), [effect.plan for effect in EFFECTS], id="effects"),
    ],
)
def test_every_file_is_listed(package: str, functions: list[object]) -> None:
    assert {function.__module__.rpartition(".")[2] for function in functions} == _files(package)


def test_effects_that_kinds_name_exist() -> None:
    named = {name for kind in KINDS for name in kind.effects}
    assert named - {"binding"} == {effect.name for effect in EFFECTS}  # a Binding is an effect and nothing else
