"""The table lists what is on disk: a file that nobody lists does nothing."""

from __future__ import annotations

from pathlib import Path

from knarr.scheduler import plugins
from knarr.scheduler.table import PLUGINS


def _module(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def test_every_plugin_is_listed_under_the_name_of_its_file() -> None:
    on_disk = {path.stem for path in Path(str(plugins.__file__)).parent.glob("*.py")} - {"__init__"}
    assert sorted(_module(plugin.name) for plugin in PLUGINS) == sorted(on_disk)
