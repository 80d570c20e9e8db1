"""The table lists what is on disk."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from knarr import controllers
from knarr.controllers.table import CONTROLLERS


def test_every_controller_on_disk_is_listed_once() -> None:
    folder = Path(controllers.__path__[0])
    modules = [import_module(f"knarr.controllers.{p.stem}") for p in folder.glob("*.py") if p.stem != "__init__"]
    on_disk = {m.CONTROLLER.name for m in modules if hasattr(m, "CONTROLLER")}
    assert sorted(on_disk) == sorted(c.name for c in CONTROLLERS)
