"""The graph: whom a change concerns."""

from __future__ import annotations

from knarr.client.objects import Meta, Object, OwnerReference
from knarr.client.resources import CONFIG_MAPS, NODES
from knarr.controllers.garbage.graph import FOREGROUND, ORPHAN, Graph


def ref(owner: str, kind: str = "ConfigMap", *, blocking: bool = False) -> OwnerReference:
    return OwnerReference(api_version="v1", kind=kind, name=owner, uid=owner, block_owner_deletion=blocking)


def thing(
    name: str, *owners: OwnerReference, deleted: bool = False, finalizer: str = "", namespace: str = "a"
) -> Object:
    return Object(
        metadata=Meta(
            name=name,
            namespace=namespace,
            uid=name,
            owner_references=owners,
            deletion_timestamp="t" if deleted else None,
            finalizers=(finalizer,) if finalizer else (),
        )
    )


def graph(*objects: Object) -> Graph:
    result = Graph()
    for obj in objects:
        result.change(CONFIG_MAPS, None, obj)
    return result


def names(graph: Graph, owner: str) -> list[str]:
    return [node.meta.name for node in graph.dependents(owner)]


def test_an_object_of_its_own_concerns_nobody() -> None:
    assert Graph().change(CONFIG_MAPS, None, thing("one")) == set()


def test_an_object_with_its_owner_in_place_neither() -> None:
    assert graph(thing("owner")).change(CONFIG_MAPS, None, thing("child", ref("owner"))) == set()


def test_an_object_whose_owner_is_not_there_is_looked_at() -> None:
    assert Graph().change(CONFIG_MAPS, None, thing("child", ref("owner"))) == {"child"}


def test_a_uid_alone_makes_no_owner() -> None:
    known = graph(thing("owner"))
    assert known.change(CONFIG_MAPS, None, thing("child", ref("owner", kind="Secret"))) == {"child"}
    assert known.change(CONFIG_MAPS, None, thing("far", ref("owner"), namespace="b")) == {"far"}


def test_an_owner_without_namespace_is_one_everywhere() -> None:
    known = Graph()
    known.change(NODES, None, thing("n1", namespace=""))
    assert known.change(CONFIG_MAPS, None, thing("child", ref("n1", kind="Node"))) == set()


def test_when_an_owner_goes_its_dependents_are_looked_at() -> None:
    known = graph(thing("owner"), thing("child", ref("owner")), thing("other"))
    assert known.change(CONFIG_MAPS, thing("owner"), None) == {"child"}
    assert names(known, "owner") == ["child"]


def test_when_an_owner_begins_to_wait_its_dependents_are_looked_at_once() -> None:
    known = graph(thing("owner"), thing("child", ref("owner")))
    waiting = thing("owner", deleted=True, finalizer=FOREGROUND)
    assert known.change(CONFIG_MAPS, thing("owner"), waiting) == {"owner", "child"}
    assert known.change(CONFIG_MAPS, waiting, waiting) == {"owner"}


def test_an_owner_that_waits_hears_when_a_dependent_goes_or_lets_go() -> None:
    waiting = thing("owner", deleted=True, finalizer=FOREGROUND)
    child = thing("child", ref("owner", blocking=True))
    assert graph(waiting, child).change(CONFIG_MAPS, child, None) == {"owner"}
    assert graph(waiting, child).change(CONFIG_MAPS, child, thing("child")) == {"owner"}


def test_what_is_being_deleted_is_looked_at_only_for_its_dependents_sake() -> None:
    assert graph().change(CONFIG_MAPS, None, thing("one", ref("gone"), deleted=True)) == set()
    assert graph().change(CONFIG_MAPS, None, thing("two", deleted=True, finalizer=ORPHAN)) == {"two"}


def test_another_object_of_the_same_name() -> None:
    known = graph(thing("owner"), thing("child", ref("owner")))
    reborn = Object(metadata=Meta(name="owner", namespace="a", uid="other"))
    assert known.change(CONFIG_MAPS, thing("owner"), reborn) == {"child"}
    assert (known.get("owner"), len(known)) == (None, 2)


def test_references_that_change_move_the_dependent() -> None:
    known = graph(thing("one"), thing("two"), thing("child", ref("one")))
    known.change(CONFIG_MAPS, thing("child", ref("one")), thing("child", ref("two")))
    assert (names(known, "one"), names(known, "two")) == ([], ["child"])


def test_a_resource_that_is_no_longer_watched_is_forgotten() -> None:
    known = graph(thing("owner"), thing("child", ref("owner")))
    known.forget(CONFIG_MAPS)
    assert (len(known), names(known, "owner")) == (0, [])
