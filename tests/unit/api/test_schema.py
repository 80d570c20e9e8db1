"""The definitions: normalised, cached, published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from knarr.api import schema
from knarr.api.schema import cache

POD = "io.k8s.api.core.v1.Pod"
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cache, "_file", cache._file.__wrapped__)
    return tmp_path / "knarr"


def test_a_definition_is_in_openapis_form_without_descriptions() -> None:
    assert schema.definition(POD) == {
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"allOf": [{"$ref": f"#/components/schemas/{META}"}]},
            "spec": {"allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodSpec"}]},
            "status": {"allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodStatus"}]},
        },
        "type": "object",
        "x-kubernetes-group-version-kind": [{"group": "", "kind": "Pod", "version": "v1"}],
    }


def test_published_definitions_keep_their_descriptions() -> None:
    published = schema.definitions()[POD]
    assert published["description"].startswith("Pod is a collection of containers")
    assert published["properties"]["spec"]["description"].startswith("Specification of the desired behavior")


def test_a_field_named_description_is_no_description() -> None:
    name = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
    assert schema.definition(name)["properties"]["description"] == {"type": "string"}


def test_what_can_be_two_things_is_said_as_upstream_says_it() -> None:
    assert schema.definition("io.k8s.apimachinery.pkg.util.intstr.IntOrString") == {
        "format": "int-or-string",
        "oneOf": [{"type": "integer"}, {"type": "string"}],
    }


def test_older_cron_jobs_are_made_of_the_parts_of_newer_ones() -> None:
    listed = schema.definition("io.k8s.api.batch.v1beta1.CronJobList")
    assert listed["x-kubernetes-group-version-kind"] == [
        {"group": "batch", "kind": "CronJobList", "version": "v1beta1"}
    ]
    assert listed["properties"]["items"]["items"]["$ref"].endswith("io.k8s.api.batch.v1beta1.CronJob")
    one = schema.definition("io.k8s.api.batch.v1beta1.CronJob")
    assert one["properties"]["spec"]["allOf"][0]["$ref"].endswith("io.k8s.api.batch.v1.CronJobSpec")


def references(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return found.union(*map(references, value.values()))


def test_every_reference_leads_to_a_definition() -> None:
    published = schema.definitions()
    named = {f"#/components/schemas/{name}" for name in published}
    assert references(list(published.values())) - named == set()


def test_the_cache_is_made_once_and_leaves_no_other_file(empty_cache: Path) -> None:
    first = schema.definition(POD)
    (made,) = empty_cache.iterdir()
    written = made.stat().st_mtime_ns
    assert (schema.definition(POD), made.stat().st_mtime_ns) == (first, written)


def test_a_cache_cut_short_is_made_again(empty_cache: Path) -> None:
    schema.definition(POD)
    (made,) = empty_cache.iterdir()
    made.write_bytes(made.read_bytes()[:100])
    assert schema.definition(POD)["type"] == "object"


def test_without_a_place_for_the_cache_all_is_in_memory(empty_cache: Path) -> None:
    empty_cache.write_text("not a directory")
    assert schema.definition(POD)["type"] == "object"
    assert empty_cache.read_text() == "not a directory"


def test_an_unknown_definition() -> None:
    with pytest.raises(KeyError):
        schema.definition("io.k8s.api.core.v1.Nothing")
