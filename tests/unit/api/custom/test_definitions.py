from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from knarr.api.custom.definitions import check, check_approval, check_change, check_preserving
from tests.unit.api.custom.schemas import TEXT, definition, root

JSON = dict[str, Any]


def test_a_good_one() -> None:
    assert list(check(definition(root(a=TEXT)))) == []


CASES: dict[str, tuple[Callable[[JSON], Any], list[str]]] = {
    "name": (
        lambda crd: crd["metadata"].update(name="x"),
        ['metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group'],
    ),
    "group without a dot": (
        lambda crd: (crd["spec"].update(group="a"), crd["metadata"].update(name="foos.a")),
        ['spec.group: Invalid value: "a": should be a domain with at least one dot'],
    ),
    "scope": (
        lambda crd: crd["spec"].update(scope="Here"),
        ['spec.scope: Unsupported value: "Here": supported values: "Cluster", "Namespaced"'],
    ),
    "no schema": (
        lambda crd: crd["spec"]["versions"][0].pop("schema"),
        ["spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required"],
    ),
    "deprecation": (
        lambda crd: crd["spec"]["versions"][0].update(deprecationWarning="x"),
        ['spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions'],
    ),
    "kinds": (
        lambda crd: crd["spec"]["names"].update(listKind="Foo"),
        ['spec.names.listKind: Invalid value: "Foo": kind and listKind may not be the same'],
    ),
    "no plural": (
        lambda crd: (crd["spec"]["names"].update(plural=""), crd["metadata"].update(name=".a.b")),
        ["spec.names.plural: Required value"],
    ),
    "stored versions": (
        lambda crd: crd["status"].update(storedVersions=["v1", "v0"]),
        ['status.storedVersions[1]: Invalid value: "v0": must appear in spec.versions'],
    ),
    "scale": (
        lambda crd: crd["spec"]["versions"][0].update(
            subresources={"scale": {"specReplicasPath": ".status.x", "statusReplicasPath": "status.y"}}
        ),
        [
            'spec.subresources.scale.specReplicasPath: Invalid value: ".status.x": should be a json path under .spec',
            'spec.subresources.scale.statusReplicasPath: Invalid value: "status.y": must be a simple json path '
            "starting with .",
        ],
    ),
    "column": (
        lambda crd: crd["spec"]["versions"][0].update(
            additionalPrinterColumns=[{"name": "A", "type": "text", "jsonPath": "x"}]
        ),
        [
            'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of '
            "boolean,date,integer,number,string",
            'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "x": must be a simple json path starting with .',
        ],
    ),
    "selectable": (
        lambda crd: crd["spec"]["versions"][0].update(
            selectableFields=[{"jsonPath": ".a"}, {"jsonPath": ".b"}, {"jsonPath": ".a"}, {}]
        ),
        [
            'spec.selectableFields[1].jsonPath: Invalid value: ".b": is an invalid path: does not refer to a valid '
            "field",
            'spec.selectableFields[2].jsonPath: Duplicate value: ".a"',
            "spec.selectableFields[3].jsonPath: Required value",
        ],
    ),
    "conversion": (
        lambda crd: crd["spec"].update(conversion={"strategy": "Webhook", "webhook": {}}),
        [
            "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
            "spec.conversion.conversionReviewVersions: Required value",
        ],
    ),
}


@pytest.mark.parametrize(("change", "errors"), CASES.values(), ids=CASES)
def test_a_bad_one(change: Callable[[JSON], Any], errors: list[str]) -> None:
    crd = definition(root(a=TEXT))
    change(crd)
    assert [str(error) for error in check(crd)] == errors


def test_what_only_one_version_has_is_named_there() -> None:
    crd = definition(root(a=TEXT))
    crd["spec"]["versions"].append({"name": "v2", "schema": {"openAPIV3Schema": root(a={})}})
    where = "spec.versions[1].schema.openAPIV3Schema.properties[a].type"
    assert [error.path for error in check(crd)] == [where]


def test_storage_versions_are_counted() -> None:
    crd = definition(root(a=TEXT), storage=False)
    assert "must have exactly one version marked as storage version" in str(next(iter(check(crd))))


def test_what_an_established_one_may_not_change() -> None:
    old = definition(root(a=TEXT))
    new = definition(root(a=TEXT))
    new["spec"]["scope"], new["spec"]["group"] = "Namespaced", "c.d"
    assert [error.path for error in check_change(new, old)] == ["spec.group"]
    old["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    assert [error.path for error in check_change(new, old)] == ["spec.scope", "spec.group"]


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (None, "Required value: protected groups must have approval annotation"),
        ("x", "either a URL or a reason starting with"),
        ("unapproved, experimental", ""),
        ("https://github.com/kubernetes/kubernetes/pull/1", ""),
    ],
    ids=["none", "nonsense", "unapproved", "approved"],
)
def test_approval_of_a_protected_group(annotation: str | None, said: str) -> None:
    crd = definition(root(a=TEXT))
    crd["spec"]["group"] = "x.k8s.io"
    crd["metadata"]["annotations"] = {"api-approved.kubernetes.io": annotation} if annotation else {}
    errors = [str(error) for error in check_approval(crd)]
    assert [said in error for error in errors] == ([True] if said else [])


def test_unknown_fields_are_not_preserved_by_all() -> None:
    crd = definition(root(a=TEXT))
    crd["spec"]["preserveUnknownFields"] = True
    assert [error.path for error in check_preserving(crd)] == ["spec.preserveUnknownFields"]
