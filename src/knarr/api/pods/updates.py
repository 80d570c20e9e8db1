"""What may change in a Pod once it exists: images, a shorter deadline, more tolerations, fewer scheduling gates."""

from __future__ import annotations

from collections.abc import Iterable

from knarr.api.differences import difference
from knarr.api.kind import JSON
from knarr.api.paths import dig, each
from knarr.api.pods.gated import narrowing, with_node_affinity_of
from knarr.api.pods.mirrors import MIRROR, is_mirror
from knarr.machinery.fielderrors import FieldError, forbidden, invalid

_UPDATABLE = (
    "`spec.containers[*].image`",
    "`spec.initContainers[*].image`",
    "`spec.activeDeadlineSeconds`",
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
)


def validate_create(pod: JSON) -> Iterable[FieldError]:
    """Containers for debugging join later, and what stands for a node's own Pod is on that node."""
    if each(pod, "spec.ephemeralContainers"):
        yield forbidden("spec.ephemeralContainers", "cannot be set on create")
    if is_mirror(pod) and not dig(pod, "spec.nodeName"):
        yield invalid(f"metadata.annotations[{MIRROR}]", "", "must set spec.nodeName if mirror pod annotation is set")


def validate_update(new: JSON, old: JSON) -> Iterable[FieldError]:
    """What may not change of a Pod that is there."""
    yield from _mirroring(*(dig(pod, "metadata.annotations", {}).get(MIRROR) for pod in (new, old)))
    after, before = new["spec"], old["spec"]
    if after == before:
        return
    counts = list(_counts(after, before))
    yield from counts
    if counts:
        return
    yield from _deadline(after.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
    yield from _tolerations(each(after, "tolerations"), each(before, "tolerations"))
    yield from _gates(each(after, "schedulingGates"), each(before, "schedulingGates"))
    if each(before, "schedulingGates"):
        yield from narrowing(after, before)
    unchanged = _with_permitted_changes_undone(after, before)
    if unchanged != before:
        refusal = f"pod updates may not change fields other than {','.join(_UPDATABLE)}"
        yield forbidden("spec", f"{refusal}\n{difference(before, unchanged, 'spec')}")


def _mirroring(after: str | None, before: str | None) -> Iterable[FieldError]:
    if after != before:
        what = "add" if before is None else "remove or update"
        yield forbidden(f"metadata.annotations[{MIRROR}]", f"may not {what} mirror pod annotation")


def _counts(after: JSON, before: JSON) -> Iterable[FieldError]:
    for sort in ("containers", "initContainers"):
        if len(each(after, sort)) != len(each(before, sort)):
            yield forbidden(f"spec.{sort}", "pod updates may not add or remove containers")


def _deadline(after: int | None, before: int | None) -> Iterable[FieldError]:
    """The deadline may come nearer."""
    path = "spec.activeDeadlineSeconds"
    if before is not None and after is None:
        yield invalid(path, after, "must not update from a positive integer to nil value")
    elif before is not None and after is not None and after > before:
        yield invalid(path, after, "must be less than or equal to previous value")


def _tolerations(after: list[JSON], before: list[JSON]) -> Iterable[FieldError]:
    """What was tolerated stays so; only for how long may change."""
    kept = [_timeless(toleration) for toleration in after]
    if any(_timeless(toleration) not in kept for toleration in before):
        detail = "existing toleration can not be modified except its tolerationSeconds"
        yield forbidden("spec.tolerations", detail)


def _timeless(toleration: JSON) -> JSON:
    return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}


def _gates(after: list[JSON], before: list[JSON]) -> Iterable[FieldError]:
    for index, gate in enumerate(after):
        if gate not in before:
            detail = f"only deletion is allowed, but found new scheduling gate '{gate.get('name', '')}'"
            yield forbidden(f"spec.schedulingGates[{index}].name", detail)


def _with_permitted_changes_undone(after: JSON, before: JSON) -> JSON:
    """The new spec, had only what may not change been changed."""
    gated = bool(each(before, "schedulingGates"))
    permitted = ("activeDeadlineSeconds", "tolerations", "schedulingGates", *(["nodeSelector"] if gated else ()))
    spec = {key: value for key, value in after.items() if key not in permitted}
    spec |= {key: before[key] for key in permitted if key in before}
    if gated:
        spec = with_node_affinity_of(spec, before)
    for sort in ("containers", "initContainers"):
        if sort in spec:
            spec[sort] = [_with_image_of(*pair) for pair in zip(spec[sort], before[sort], strict=True)]
    if before.get("terminationGracePeriodSeconds", 0) < 0 and after.get("terminationGracePeriodSeconds") == 1:
        spec["terminationGracePeriodSeconds"] = before["terminationGracePeriodSeconds"]
    return spec


def _with_image_of(container: JSON, before: JSON) -> JSON:
    return {**container, "image": before.get("image")}
