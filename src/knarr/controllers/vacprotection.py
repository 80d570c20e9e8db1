"""Classes of volume attributes that are deleted stay until no claim and no volume has one.

https://kubernetes.io/docs/concepts/storage/volume-attributes-classes/
"""

from __future__ import annotations

from collections.abc import Iterable

from knarr.client.objects import Object, View
from knarr.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, VOLUME_ATTRIBUTES_CLASSES
from knarr.controllers.finalizers import release
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch

FINALIZER = "kubernetes.io/vac-protection"
BY_CLASS = "volumeattributesclass"


class _Spec(View, frozen=True):
    volume_attributes_class_name: str | None = None


class _Modification(View, frozen=True):
    target_volume_attributes_class_name: str = ""


class _Status(View, frozen=True):
    current_volume_attributes_class_name: str | None = None
    modify_volume_status: _Modification | None = None


class User(Object, frozen=True):
    """A claim or a volume, as far as it has a class."""

    spec: _Spec = _Spec()
    status: _Status = _Status()


def classes_of(user: User) -> Iterable[str]:
    """The class that is wanted, the one that is in force, and the one that is being changed to."""
    change = user.status.modify_volume_status
    names = (
        user.spec.volume_attributes_class_name,
        user.status.current_volume_attributes_class_name,
        change.target_volume_attributes_class_name if change else None,
    )
    return {name for name in names if name}


async def reconcile(context: Context, key: str) -> None:
    """Let the class go if it is to go and nobody has it."""
    found = context.cache(VOLUME_ATTRIBUTES_CLASSES, Object).get(key)
    if found is None or found.metadata.deletion_timestamp is None or FINALIZER not in found.metadata.finalizers:
        return
    if not any(context.cache(each, User).by_index(BY_CLASS, key) for each in _USERS):
        await release(context, VOLUME_ATTRIBUTES_CLASSES, found.metadata, FINALIZER)


def user_matters(old: User, new: User) -> bool:
    return classes_of(old) != classes_of(new)


_USERS = (PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES)

CONTROLLER = Controller(
    name="volumeattributesclass-protection-controller",
    queue="vacprotection",
    watches=(
        Watch(VOLUME_ATTRIBUTES_CLASSES, Object),
        *(Watch(each, User, classes_of, matters=user_matters, indexes={BY_CLASS: classes_of}) for each in _USERS),
    ),
    reconcile=reconcile,
    may={"volumeattributesclasses.storage.k8s.io": "get update"},
)
