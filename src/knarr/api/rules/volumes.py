"""Volumes of Pods: one source each, and what each source leaves open."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.checks import no_parent, one_source, relative_path
from knarr.api.kind import JSON, Rules
from knarr.api.pods.fields import check_field, check_resource
from knarr.machinery.fielderrors import FieldError, invalid, required
from knarr.machinery.names import dns1123_label

_CORE = "io.k8s.api.core.v1"
_MODE = 0o644
_HOST_TYPES = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
_SOURCES = frozenset(
    {
        *("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "configMap", "csi", "downwardAPI"),
        *("emptyDir", "ephemeral", "fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs"),
        *("hostPath", "image", "iscsi", "nfs", "persistentVolumeClaim", "photonPersistentDisk", "portworxVolume"),
        *("projected", "quobyte", "rbd", "scaleIO", "secret", "storageos", "vsphereVolume"),
    }
)
_PROJECTIONS = ("clusterTrustBundle", "configMap", "downwardAPI", "podCertificate", "secret", "serviceAccountToken")
_DOWNWARD_FIELDS = frozenset(
    {"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"}
)


def _default_volume(volume: JSON) -> None:
    """A volume without a source is an empty directory."""
    if not any(volume.get(source) is not None for source in _SOURCES):
        volume["emptyDir"] = {}


def _volume(volume: JSON, path: str) -> Iterable[FieldError]:
    yield from one_source(path, volume, _SOURCES, "volume type")


def _mode(path: str, mode: int | None) -> Iterable[FieldError]:
    if mode is not None and not 0 <= mode <= 0o777:
        yield invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive")


def _files(source: JSON, path: str) -> Iterable[FieldError]:
    yield from _mode(f"{path}.defaultMode", source.get("defaultMode"))


def _file(item: JSON, path: str) -> Iterable[FieldError]:
    """One key under a path of its own, relative to the volume."""
    if inner := item.get("path"):
        yield from relative_path(f"{path}.path", inner)
        if inner.startswith(".."):
            yield invalid(f"{path}.path", inner, "must not start with '..'")
    yield from _mode(f"{path}.mode", item.get("mode"))


def _downward(item: JSON, path: str) -> Iterable[FieldError]:
    yield from _file(item, path)
    field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
    if field is None and resource is None:
        yield required(path, "one of fieldRef and resourceFieldRef is required")
    if field is not None and resource is not None:
        yield invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
    if field:
        yield from check_field(f"{path}.fieldRef", field, _DOWNWARD_FIELDS)
    if resource:
        yield from check_resource(f"{path}.resourceFieldRef", resource)


def _host_path(source: JSON, path: str) -> Iterable[FieldError]:
    yield from no_parent(f"{path}.path", source.get("path") or "")


def _git(source: JSON, path: str) -> Iterable[FieldError]:
    yield from relative_path(f"{path}.directory", source.get("directory") or "")


def _nfs(source: JSON, path: str) -> Iterable[FieldError]:
    if (where := source.get("path")) and not where.startswith("/"):
        yield invalid(f"{path}.path", where, "must be an absolute path")


def _secret(source: JSON, path: str) -> Iterable[FieldError]:
    if not source.get("secretName"):
        yield required(f"{path}.secretName")
    yield from _files(source, path)


def _config_map(source: JSON, path: str) -> Iterable[FieldError]:
    if not source.get("name"):
        yield required(f"{path}.name")
    yield from _files(source, path)


def _projection(source: JSON, path: str) -> Iterable[FieldError]:
    yield from one_source(path, source, _PROJECTIONS, "volume type")


def _projected(source: JSON, path: str) -> Iterable[FieldError]:
    """Each file comes from one source."""
    yield from _files(source, path)
    seen: set[str] = set()
    for projection in source.get("sources") or ():
        for where, said in _paths(projection):
            if where in seen:
                yield invalid(path, said, "conflicting duplicate paths")
            seen.add(where)


def _paths(projection: JSON) -> Iterable[tuple[str, str]]:
    """The files that a source makes, with what messages call it."""
    for sort in ("secret", "configMap", "downwardAPI"):
        one = projection.get(sort) or {}
        for item in one.get("items") or ():
            if where := item.get("path"):
                yield where, where if sort == "downwardAPI" else one.get("name", "")
    if where := (projection.get("serviceAccountToken") or {}).get("path"):
        yield where, where


def _token(source: JSON, path: str) -> Iterable[FieldError]:
    seconds = source.get("expirationSeconds", 3600)
    if seconds < 600:
        yield invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    if seconds > 1 << 32:
        yield invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")


RULES = (
    Rules(
        f"{_CORE}.Volume",
        required=("name",),
        names={"name": dns1123_label},
        repeated=("projected",),
        default=_default_volume,
        validate=_volume,
    ),
    Rules(f"{_CORE}.SecretVolumeSource", defaults={"defaultMode": _MODE}, validate=_secret),
    Rules(f"{_CORE}.ConfigMapVolumeSource", defaults={"defaultMode": _MODE}, validate=_config_map),
    Rules(f"{_CORE}.DownwardAPIVolumeSource", defaults={"defaultMode": _MODE}, validate=_files),
    Rules(f"{_CORE}.ProjectedVolumeSource", defaults={"defaultMode": _MODE}, validate=_projected),
    Rules(f"{_CORE}.VolumeProjection", validate=_projection),
    Rules(
        f"{_CORE}.ServiceAccountTokenProjection",
        defaults={"expirationSeconds": 3600},
        required=("path",),
        validate=_token,
    ),
    Rules(f"{_CORE}.KeyToPath", required=("key", "path"), validate=_file),
    Rules(f"{_CORE}.DownwardAPIVolumeFile", required=("path",), validate=_downward),
    Rules(
        f"{_CORE}.HostPathVolumeSource",
        defaults={"type": ""},
        required=("path",),
        enums={"type": _HOST_TYPES},
        validate=_host_path,
    ),
    Rules(f"{_CORE}.GitRepoVolumeSource", required=("repository",), validate=_git),
    Rules(f"{_CORE}.NFSVolumeSource", required=("server", "path"), validate=_nfs),
    Rules(f"{_CORE}.PersistentVolumeClaimVolumeSource", required=("claimName",)),
    Rules(f"{_CORE}.ISCSIVolumeSource", defaults={"iscsiInterface": "default"}),
)
