"""Every field that the published schema gives a pod is honoured by somebody, refused, or named in gaps.py.

A field of a later version fails this test until somebody has said which of these it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import knarr.kubelet
from knarr.api import gaps, schema
from knarr.client.objects import View
from knarr.kubelet import objects, securitycontexts
from knarr.kubelet.environment import FileKeyRef, KeyRef, ValueFrom
from knarr.kubelet.volumes.config_map import ConfigMapSource
from knarr.kubelet.volumes.downward_api import DownwardSource, Item
from knarr.kubelet.volumes.empty_dir import EmptyDirSource
from knarr.kubelet.volumes.host_path import HostPathSource
from knarr.kubelet.volumes.projected import ProjectedSource
from knarr.kubelet.volumes.secret import SecretSource
from knarr.kubelet.volumes.service_account_token import TokenSource
from knarr.kubelet.volumes.source import KeyToPath
from knarr.kubelet.volumes.table import CONTENTS, PLACES

CORE = "io.k8s.api.core.v1"
# The view through which the kubelet reads a definition: what it does not read, it cannot honour.
VIEWS: dict[str, type[View]] = {
    "PodSpec": objects.PodSpec,
    "Container": objects.Container,
    "EphemeralContainer": objects.EphemeralContainer,
    "Probe": objects.Probe,
    "Lifecycle": objects.Lifecycle,
    "LifecycleHandler": objects.Handler,
    "ExecAction": objects.ExecAction,
    "HTTPGetAction": objects.HTTPGetAction,
    "HTTPHeader": objects.HTTPHeader,
    "TCPSocketAction": objects.TCPSocketAction,
    "GRPCAction": objects.GRPCAction,
    "SleepAction": objects.SleepAction,
    "SecurityContext": securitycontexts.SecurityContext,
    "PodSecurityContext": securitycontexts.PodSecurityContext,
    "Capabilities": securitycontexts.Capabilities,
    "SeccompProfile": securitycontexts.SeccompProfile,
    "AppArmorProfile": securitycontexts.AppArmorProfile,
    "Sysctl": securitycontexts.Sysctl,
    "ContainerPort": objects.ContainerPort,
    "ContainerRestartRule": objects.RestartRule,
    "ContainerRestartRuleOnExitCodes": objects.ExitCodes,
    "VolumeMount": objects.VolumeMount,
    "VolumeDevice": objects.VolumeDevice,
    "ResourceRequirements": objects.Resources,
    "EnvVar": objects.EnvVar,
    "EnvFromSource": objects.EnvFrom,
    "EnvVarSource": ValueFrom,
    "ConfigMapKeySelector": KeyRef,
    "FileKeySelector": FileKeyRef,
    "SecretKeySelector": KeyRef,
    "HostAlias": objects.HostAlias,
    "PodDNSConfig": objects.DNSConfig,
    "PodDNSConfigOption": objects.DNSOption,
    "PodReadinessGate": objects.ReadinessGate,
    "EmptyDirVolumeSource": EmptyDirSource,
    "HostPathVolumeSource": HostPathSource,
    "ConfigMapVolumeSource": ConfigMapSource,
    "SecretVolumeSource": SecretSource,
    "DownwardAPIVolumeSource": DownwardSource,
    "DownwardAPIVolumeFile": Item,
    "ProjectedVolumeSource": ProjectedSource,
    "ServiceAccountTokenProjection": TokenSource,
    "KeyToPath": KeyToPath,
}
SCHEDULING = {
    *("affinity", "nodeSelector", "preemptionPolicy", "priority", "priorityClassName", "schedulerName"),
    *("schedulingGates", "tolerations", "topologySpreadConstraints"),
}
# Honoured before a pod comes to a node, or without the kubelet reading it, and where.
ELSEWHERE = {
    "PodSpec": SCHEDULING
    | {
        "automountServiceAccountToken",  # admission mounts the token
        "serviceAccount",  # the older name of serviceAccountName
    },
    "Container": {"resizePolicy"},  # of in-place resizes, each of which is warned of
    "EphemeralContainer": {"resizePolicy"},
    "ContainerRestartRule": {"action"},  # both restart the container; the one that does more is warned of
    "PodSecurityContext": {"fsGroupChangePolicy"},  # of volumes that outlive pods; of these none is mounted
}
# Refused with a word when a pod that asks for it is to run.
REFUSED = {
    "VolumeDevice": {"devicePath"},  # FailedMount, as the claim that it is of
}
# Views that stand for several definitions have the fields of all of them.
SHARED = {"LifecycleHandler": {"grpc"}, "Probe": {"sleep"}, "SecretVolumeSource": {"name"}}
KUBELET = Path(knarr.kubelet.__file__).parent


def fields_of(view: type[View]) -> set[str]:
    return set(view.__struct_encode_fields__)


def named_in_gaps(definition: str) -> set[str]:
    """The fields of a definition that are warned of, wherever it is used."""
    paths = {
        "PodSpec": gaps.POD_FIELDS,
        "Container": gaps.CONTAINER_FIELDS,
        "EphemeralContainer": gaps.CONTAINER_FIELDS,
        "Lifecycle": _below(gaps.CONTAINER_FIELDS, "lifecycle"),
        "ResourceRequirements": _below(gaps.CONTAINER_FIELDS, "resources"),
        "SecurityContext": _below(gaps.CONTAINER_FIELDS, "securityContext"),
        "PodSecurityContext": _below(gaps.POD_FIELDS, "securityContext"),
    }
    return set(paths.get(definition, ()))


def _below(paths: dict[str, str], parent: str) -> set[str]:
    return {path.removeprefix(f"{parent}.") for path in paths if path.startswith(f"{parent}.")}


def published(definition: str) -> Iterator[str]:
    yield from schema.definition(f"{CORE}.{definition}")["properties"]


@pytest.mark.parametrize("definition", VIEWS)
def test_every_field_is_honoured_or_said_not_to_be(definition: str) -> None:
    known = fields_of(VIEWS[definition]) | ELSEWHERE.get(definition, set()) | REFUSED.get(definition, set())
    assert set(published(definition)) - known - named_in_gaps(definition) == set()


@pytest.mark.parametrize("definition", VIEWS)
def test_the_kubelet_reads_nothing_that_nobody_publishes(definition: str) -> None:
    assert fields_of(VIEWS[definition]) <= {*published(definition), *SHARED.get(definition, ())}


def test_what_is_read_is_used() -> None:
    sources = " ".join(path.read_text() for path in KUBELET.rglob("*.py"))
    used = set(re.findall(r"(?:\.|\")([a-z_]+)\b", sources))
    read = {field for view in VIEWS.values() for field in view.__struct_fields__}
    assert read - used == set()


def test_volumes_are_mounted_or_told_of() -> None:
    """What is in neither table is a FailedMount event, with the volume's type."""
    mounted = {place.field for place in PLACES} | {content.field for content in CONTENTS if content.plugin}
    assert mounted == {"emptyDir", "hostPath", "configMap", "secret", "downwardAPI", "projected"}
    assert mounted | {"name"} <= set(published("Volume"))
