from __future__ import annotations

import re
from pathlib import Path

import pytest

import knarr.kubelet.probes.table
import knarr.kubelet.volumes.table

DECLARES = re.compile(r"^(PLACE|CONTENT|CHECK) = ", re.MULTILINE)


@pytest.mark.parametrize(
    ("table", "listed"),
    [
        pytest.param(
            knarr.kubelet.volumes.table,
            len(knarr.kubelet.volumes.table.PLACES) + len(knarr.kubelet.volumes.table.CONTENTS),
            id="volumes",
        ),
        pytest.param(knarr.kubelet.probes.table, len(knarr.kubelet.probes.table.CHECKS), id="probes"),
    ],
)
def test_a_table_lists_what_is_on_disk(table: object, listed: int) -> None:
    folder = Path(str(getattr(table, "__file__", ""))).parent
    assert listed == sum(bool(DECLARES.search(file.read_text())) for file in folder.glob("*.py"))
