from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knarr.machinery.apply import managers
from knarr.machinery.apply.applying import ConflictsError
from knarr.machinery.apply.managers import Identity, ManagersError
from knarr.machinery.apply.sets import EMPTY, difference, union
from tests.unit.machinery.apply.strategies import JSON, SHAPE, values
from tests.unit.machinery.apply.writers import Written

_writes = st.lists(st.tuples(st.sampled_from(["apply", "update"]), st.sampled_from("abc"), values), max_size=5)


def written(writes: list[tuple[str, str, JSON]]) -> Written:
    found = Written()
    for operation, manager, tree in writes:
        (found.apply if operation == "apply" else found.update)(manager, tree)
    return found


@given(_writes, values)
def test_applying_twice_is_applying_once(writes: list[tuple[str, str, JSON]], config: JSON) -> None:
    found = written(writes)
    found.apply("m", config)
    tree, known = found.tree, found.managers
    found.apply("m", config, force=False)
    assert (found.tree, found.managers) == (tree, known)


@given(_writes, values)
def test_what_somebody_applies_and_takes_back_leaves_the_rest(
    writes: list[tuple[str, str, JSON]], config: JSON
) -> None:
    found = written(writes)
    untouched = difference(SHAPE.owned(found.tree) or EMPTY, SHAPE.whole(config)) if found.tree else EMPTY
    found.apply("m", config)
    found.apply("m", {})
    assert "m" not in found.owned()
    there = SHAPE.whole(found.tree)
    typed = {element: node for element, node in untouched.items() if element != "f:extra"}  # else a value may take the
    assert not difference(typed, there)  # place of an object


@given(_writes)
def test_nobody_owns_what_is_not_there(writes: list[tuple[str, str, JSON]]) -> None:
    found = written([write for write in writes if write[0] == "update"])
    there = SHAPE.whole(found.tree)
    assert all(not difference(fields, there) for fields in found.fields())


@given(_writes)
def test_every_update_is_somebodys(writes: list[tuple[str, str, JSON]]) -> None:
    found = written([write for write in writes if write[0] == "update"])
    owned = EMPTY
    for fields in found.fields():
        owned = union(owned, fields)
    if found.tree:
        assert not difference(SHAPE.owned(found.tree) or EMPTY, owned)


@given(_writes, values)
def test_a_conflict_changes_nothing_and_force_resolves_it(writes: list[tuple[str, str, JSON]], config: JSON) -> None:
    found = written(writes)
    tree, known = found.tree, dict(found.managers)
    try:
        found.apply("m", config, force=False)
    except ConflictsError as error:
        assert error.named
        assert (found.tree, found.managers) == (tree, known)
        found.apply("m", config)
    found.apply("m", config, force=False)


@given(_writes)
def test_entries_survive_the_wire(writes: list[tuple[str, str, JSON]]) -> None:
    found = written(writes)
    entries = managers.written(found.managers)
    assert managers.read(entries) == managers.stored(entries) == found.managers


def test_a_manager_of_a_version_that_is_gone_is_forgotten() -> None:
    found = Written({"replicas": 1})
    old = Identity("old", "Update", "v0", "")
    found.managers[old] = managers.entry(old, "v0", {"f:replicas": {}}, "2020-01-01T00:00:00Z")
    found.update("new", {"replicas": 2})
    assert found.owned() == {"new": [".replicas"]}


def test_untouched_entries_stay_the_objects_that_they_are() -> None:
    found = Written()
    found.update("a", {"replicas": 1})
    (entry,) = found.managers.values()
    found.update("b", {"replicas": 1, "paused": True})
    assert found.managers[Identity("a", "Update", "v1", "")] is entry


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"operation": "Delete"}, "operation must be `Apply` or `Update`", id="operation"),
        pytest.param({"apiVersion": ""}, "apiVersion must not be empty", id="version"),
        pytest.param({"fieldsType": ""}, "missing fieldsType in managed fields entry 0", id="no type"),
        pytest.param({"fieldsType": "V2"}, 'invalid fieldsType "V2" in managed fields entry 0', id="type"),
        pytest.param({"fieldsV1": {"x": {}}}, "invalid path element 'x'", id="element"),
    ],
)
def test_entries_that_make_no_sense(changes: JSON, message: str) -> None:
    entry = managers.entry(Identity("m", "Apply", "", ""), "v1", {"f:a": {}}, "2020-01-01T00:00:00Z")
    with pytest.raises(ManagersError, match=message):
        managers.read([{**entry, **changes}])
