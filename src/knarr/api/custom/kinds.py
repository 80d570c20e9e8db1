"""From a CustomResourceDefinition to the Kind that it makes: a frozen value like those in api/kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from knarr.api.conditions import is_true
from knarr.api.custom.columns import columns_of
from knarr.api.custom.selectable import selectable
from knarr.api.custom.types import CustomType
from knarr.api.finalizers import finalizer_warnings
from knarr.api.kind import ALL_VERBS, JSON, Converter, Kind, Scale, Version
from knarr.api.paths import dig

_WHILE_TERMINATING = tuple(verb for verb in ALL_VERBS if verb != "create")


def kind_of(crd: JSON, converter: Converter | None) -> Kind | None:
    """The kind that an established definition makes, whose versions become one another by `converter`, or by taking
    the other's name; None where it serves no version.
    """
    spec, names = crd["spec"], crd["status"]["acceptedNames"]
    stored = next(version for version in spec["versions"] if version.get("storage"))
    types = {version["name"]: _type(spec, names, version) for version in spec["versions"]}
    versions = {version["name"]: _version(spec, names, version, types[version["name"]]) for version in spec["versions"]}
    served = tuple(versions[version["name"]] for version in spec["versions"] if version.get("served"))
    if not served:
        return None
    common = Kind(
        kind=names["kind"],
        plural=names["plural"],
        versions=served,
        group=spec["group"],
        stored=versions[stored["name"]],
        namespaced=spec["scope"] == "Namespaced",
        singular=names.get("singular", ""),
        list_name=names.get("listKind", ""),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        verbs=_WHILE_TERMINATING if is_true(crd, "Terminating") else ALL_VERBS,
        storage_prefix=f"/registry/{spec['group']}/{names['plural']}",
        generation=True,
        warnings=finalizer_warnings,
        fields=_fields(spec["versions"]),
    )
    faces = {v["name"]: _face(common, v, types[v["name"]]) for v in spec["versions"] if v.get("served")}
    if converter:
        faces = {name: _converted(face, types[name], converter) for name, face in faces.items()}
    return replace(common, faces=faces, subresources=_subresources(stored), columns=columns_of(_columns(stored)))


def _face(kind: Kind, version: JSON, own: CustomType) -> Kind:
    """The kind as a version shows it: what is stored is judged, completed and pruned by this version's schema."""
    stored = replace(kind.storage_version, own=own)
    return replace(
        kind,
        stored=stored,
        refresh=_reader(own, f"{kind.group}/{stored.name}"),
        subresources=_subresources(version),
        scale=_scale(version),
        columns=columns_of(_columns(version)),
        fields=_fields([version]),
    )


def _type(spec: JSON, names: JSON, version: JSON) -> CustomType:
    schema = version["schema"]["openAPIV3Schema"]
    return CustomType(spec["group"], version["name"], names, schema, _scale(version))


def _converted(face: Kind, own: CustomType, converter: Converter) -> Kind:
    """A face whose version is no other's with its name changed: requests work in it, and not in the stored one."""
    version = next(version for version in face.versions if version.own is own)
    plain = replace(version, to_storage=None, from_storage=None)
    refresh = _reader(own, f"{face.group}/{version.name}")
    return replace(face, versions=(plain,), stored=plain, refresh=refresh, converter=converter)


def _version(spec: JSON, names: JSON, version: JSON, own: CustomType) -> Version:
    name, group = version["name"], spec["group"]
    return Version(
        name,
        own.definition,
        from_storage=_reader(own, f"{group}/{name}"),
        to_storage=_renamed(f"{group}/{name}"),
        deprecated=_warning(version, f"{group}/{name} {names['kind']}"),
        own=own,
    )


def _reader(own: CustomType, api_version: str) -> Callable[[JSON], JSON]:
    """Makes an object of this version of a stored one."""

    def read(tree: JSON) -> JSON:
        tree["apiVersion"] = api_version
        own.refresh(tree)
        return tree

    return read


def _renamed(api_version: str) -> Callable[[JSON], JSON]:
    """Versions that differ in their name alone (strategy None)."""
    return lambda tree: {**tree, "apiVersion": api_version}


def _warning(version: JSON, what: str) -> str:
    if not version.get("deprecated"):
        return ""
    return version.get("deprecationWarning") or f"{what} is deprecated"


def _subresources(version: JSON) -> tuple[str, ...]:
    given = version.get("subresources") or {}
    return tuple(name for name in ("scale", "status") if given.get(name) is not None)


def _scale(version: JSON) -> Scale | None:
    scale = dig(version, "subresources.scale")
    if scale is None:
        return None
    paths = (scale["specReplicasPath"], scale["statusReplicasPath"], scale.get("labelSelectorPath") or "")
    return Scale(*(path.removeprefix(".") for path in paths))


def _columns(version: JSON) -> list[JSON]:
    return version.get("additionalPrinterColumns") or []


def _fields(versions: list[JSON]) -> dict[str, Callable[[JSON], str]]:
    paths = [field["jsonPath"] for version in versions for field in version.get("selectableFields") or ()]
    return {path.removeprefix("."): selectable(path) for path in paths}
