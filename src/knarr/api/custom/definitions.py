"""What a CustomResourceDefinition must be, but for its schemas: names, versions, conversion, columns, subresources."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from knarr.api.checks import unchanged
from knarr.api.conditions import is_true, put_condition
from knarr.api.custom import schemas
from knarr.api.custom.conversions import check_authority, check_conversion
from knarr.api.custom.places import placed
from knarr.api.custom.selectable import check_selectable
from knarr.api.kind import JSON
from knarr.machinery.fielderrors import FieldError, invalid, not_supported, required
from knarr.machinery.names import dns1035_label, dns1123_subdomain

APPROVAL = "api-approved.kubernetes.io"
COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_PROTECTED = ("k8s.io", "kubernetes.io")
_MORE = "see https://github.com/kubernetes/enhancements/pull/1111"
_LONGEST_WARNING = 256


def check(crd: JSON) -> Iterator[FieldError]:
    """All that is wrong with a definition."""
    spec = crd["spec"]
    if crd["metadata"].get("name") != f"{spec['names'].get('plural', '')}.{spec.get('group', '')}":
        yield invalid("metadata.name", crd["metadata"].get("name", ""), 'must be spec.names.plural+"."+spec.group')
    yield from _group(spec.get("group", ""))
    yield from _one_of("spec.scope", spec.get("scope", ""), ("Cluster", "Namespaced"))
    yield from _versions(spec.get("versions") or [])
    yield from _names(spec["names"])
    yield from schemas.check(spec)
    for part in placed(spec, "subresources"):
        yield from _scale(f"{part.path}.scale", part.value.get("scale"))
    for part in placed(spec, "additionalPrinterColumns"):
        for index, column in enumerate(part.value):
            yield from _column(f"{part.path}[{index}]", column)
    yield from check_selectable(spec)
    yield from check_conversion(spec)
    yield from _stored_versions(crd)


def check_change(new: JSON, old: JSON) -> Iterator[FieldError]:
    """What a change of a definition may not do."""
    spec, before = new["spec"], old["spec"]
    if is_true(old, "Established"):  # these decide how objects are stored
        yield from unchanged("spec.scope", spec.get("scope"), before.get("scope"))
        yield from unchanged("spec.names.kind", spec["names"].get("kind"), before["names"].get("kind"))
    yield from unchanged("spec.group", spec.get("group"), before.get("group"))
    yield from unchanged("spec.names.plural", spec["names"].get("plural"), before["names"].get("plural"))
    yield from check_authority(spec, before)


def set_condition(crd: JSON, kind: str, status: str, reason: str, message: str, now: str) -> None:
    """Set one of a definition's conditions."""
    put_condition(crd, {"type": kind, "status": status, "reason": reason, "message": message}, now)


def _joined(path: str, value: str, messages: Sequence[str], before: str = "") -> Iterator[FieldError]:
    """All messages of a check in one error."""
    if messages:
        yield invalid(path, value, before + ",".join(messages))


def _group(group: str) -> Iterator[FieldError]:
    if not group:
        yield required("spec.group")
    elif messages := dns1123_subdomain(group):
        yield from _joined("spec.group", group, messages)
    elif "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")


def _one_of(path: str, value: str, allowed: Sequence[str]) -> Iterator[FieldError]:
    if not value:
        yield required(path)
    elif value not in allowed:
        yield not_supported(path, value, allowed)


def _versions(versions: list[JSON]) -> Iterator[FieldError]:
    for index, version in enumerate(versions):
        path, name = f"spec.versions[{index}]", version.get("name", "")
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            yield required(f"{path}.schema.openAPIV3Schema", "schemas are required")
        yield from _joined(f"{path}.name", name, dns1035_label(name))
        for message in _deprecation(version):
            yield invalid(f"{path}.deprecationWarning", version["deprecationWarning"], message)
    if len({version.get("name") for version in versions}) < len(versions):
        yield invalid("spec.versions", versions, "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        yield invalid("spec.versions", versions, "must have exactly one version marked as storage version")


def _deprecation(version: JSON) -> Iterator[str]:
    warning = version.get("deprecationWarning")
    if warning is None:
        return
    if not version.get("deprecated"):
        yield "can only be set for deprecated versions"
        return
    if len(warning.encode()) > _LONGEST_WARNING:
        yield f"must be <= {_LONGEST_WARNING} characters long"
    if not warning:
        yield "must not be an empty string"
    bad = next((at for at, char in enumerate(warning) if char != " " and unicodedata.category(char)[0] in "CZ"), None)
    if bad is not None:
        at = len(warning[:bad].encode())
        yield f"must only contain printable UTF-8 characters; non-printable character found at index {at}"


def _names(names: JSON) -> Iterator[FieldError]:
    for name in ("plural", "singular", "kind", "listKind"):
        if not names.get(name):
            yield required(f"spec.names.{name}")
    yield from check_names("spec.names", names)


def check_names(path: str, names: JSON) -> Iterator[FieldError]:
    """What the names that are given must look like."""
    for name in ("plural", "singular"):
        if value := names.get(name):
            yield from _joined(f"{path}.{name}", value, dns1035_label(value))
    for name in ("kind", "listKind"):
        if value := names.get(name):
            mixed = "may have mixed case, but should otherwise match: "
            yield from _joined(f"{path}.{name}", value, dns1035_label(value.lower()), mixed)
    yield from _each_label(f"{path}.shortNames", names.get("shortNames") or ())
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        yield invalid(f"{path}.listKind", names["listKind"], "kind and listKind may not be the same")
    yield from _each_label(f"{path}.categories", names.get("categories") or ())


def _each_label(path: str, labels: Iterable[str]) -> Iterator[FieldError]:
    for index, label in enumerate(labels):
        yield from _joined(f"{path}[{index}]", label, dns1035_label(label))


def _scale(path: str, scale: JSON | None) -> Iterator[FieldError]:
    if scale is None:
        return
    for name, roots, where in (
        ("specReplicasPath", (".spec.",), "under .spec"),
        ("statusReplicasPath", (".status.",), "under .status"),
        ("labelSelectorPath", (".spec.", ".status."), "under either .spec or .status"),
    ):
        found = scale.get(name)
        if not found and name != "labelSelectorPath":
            yield required(f"{path}.{name}")
        elif found and not found.startswith("."):
            yield invalid(f"{path}.{name}", found, "must be a simple json path starting with .")
        elif found and not found.startswith(roots):
            yield invalid(f"{path}.{name}", found, f"should be a json path {where}")


def _column(path: str, column: JSON) -> Iterator[FieldError]:
    if not column.get("name"):
        yield required(f"{path}.name")
    kind, shape, where = column.get("type"), column.get("format"), column.get("jsonPath")
    if not kind:
        yield required(f"{path}.type", f"must be one of {','.join(COLUMN_TYPES)}")
    elif kind not in COLUMN_TYPES:
        yield invalid(f"{path}.type", kind, f"must be one of {','.join(COLUMN_TYPES)}")
    if shape and shape not in _COLUMN_FORMATS:
        yield invalid(f"{path}.format", shape, f"must be one of {','.join(_COLUMN_FORMATS)}")
    if not where:
        yield required(f"{path}.JSONPath")
    elif not where.startswith("."):
        yield invalid(f"{path}.JSONPath", where, "must be a simple json path starting with .")


def _stored_versions(crd: JSON) -> Iterator[FieldError]:
    """There are objects of the storage version at least, and of no version that is not declared."""
    path, stored = "status.storedVersions", (crd.get("status") or {}).get("storedVersions") or []
    versions = {version.get("name"): version for version in crd["spec"].get("versions") or ()}
    if not stored:
        yield invalid(path, stored, "must have at least one stored version")
        return
    for name, version in versions.items():
        if version.get("storage") and name not in stored:
            yield invalid(path, version, f"must have the storage version {name}")
    for index, name in enumerate(stored):
        if name not in versions:
            yield invalid(f"{path}[{index}]", name, "must appear in spec.versions")


def check_approval(crd: JSON) -> Iterator[FieldError]:
    """The community's groups are not for everybody: KEP-1111."""
    state, reason = approval(crd)
    if not is_protected(crd["spec"].get("group", "")):
        return
    path = f"metadata.annotations[{APPROVAL}]"
    if state == "missing":
        yield required(path, reason)
    elif state == "invalid":
        yield invalid(path, _annotation(crd), reason)


def is_protected(group: str) -> bool:
    """Whether a group is the community's own."""
    return any(group == domain or group.endswith(f".{domain}") for domain in _PROTECTED)


def approval(crd: JSON) -> tuple[str, str]:
    """The approval of a definition: `missing`, `bypassed`, `approved` or `invalid`; and why it is that."""
    given, rule = _annotation(crd), f'protected groups must have approval annotation "{APPROVAL}"'
    if not given:
        return "missing", f"{rule}, {_MORE}"
    if given.startswith("unapproved"):
        return "bypassed", f'not approved: "{given}"'
    url = _split(given)
    if url and url.netloc and url.scheme:
        return "approved", f"approved in {given}"
    return "invalid", f'{rule} with either a URL or a reason starting with "unapproved", {_MORE}'


def _annotation(crd: JSON) -> str:
    return (crd["metadata"].get("annotations") or {}).get(APPROVAL) or ""


def _split(url: str) -> Any:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def check_preserving(crd: JSON) -> Iterator[FieldError]:
    """Keeping whatever is unknown is of the days before schemas."""
    if crd["spec"].get("preserveUnknownFields"):
        instead = "set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        yield invalid("spec.preserveUnknownFields", True, f"cannot set to true, {instead}")
