"""A write as admission is shown it."""

from __future__ import annotations

from knarr.api.kind import JSON
from knarr.apiserver.admission.plugin import Attributes, Form, Operation
from knarr.apiserver.audit.trails import remarks
from knarr.apiserver.verbs.call import Call
from knarr.apiserver.verbs.objectmeta import settle_namespace


def attributes_of(
    call: Call,
    operation: Operation,
    new: JSON | None,
    old: JSON | None,
    *,
    revision: int = 0,
    form: Form | None = None,
    options: JSON | None = None,
) -> Attributes:
    """The write as admission is shown it."""
    return Attributes(
        operation=operation,
        kind=call.kind,
        version=call.version,
        namespace=call.namespace,
        name=call.name or (new or old or {}).get("metadata", {}).get("name", ""),
        object=new,
        old=old,
        user=call.request.user,
        lister=call.registry,
        subresource=call.subresource,
        form=form,
        revision=revision,
        dry_run=call.dry_run(),
        seconds=call.seconds(),
        options=call.options(operation) if options is None else options,
        warnings=call.warnings,
        annotations=remarks(),
    )


async def admit_as(call: Call, tree: JSON, form: Form) -> None:
    """Admission of what is created at a subresource: the body, and not what it does to the object. Raises APIError."""
    settle_namespace(tree.setdefault("metadata", {}), call.namespace)
    attributes = attributes_of(call, "CREATE", tree, None, form=form)
    await call.admission.mutate(attributes)
    await call.admission.validate(attributes)
