"""Every namespace has a service account `default`, for the Pods that name none."""

from __future__ import annotations

from knarr.client.objects import Object
from knarr.client.resources import NAMESPACES, SERVICE_ACCOUNTS
from knarr.controllers.namespaces import Namespace, of_namespace, provide
from knarr.runtime.context import Context
from knarr.runtime.controller import Controller, Watch

NAME = "default"


async def reconcile(context: Context, key: str) -> None:
    """Give the namespace of this name its account, where it lacks it."""
    namespace = context.cache(NAMESPACES, Namespace).get(key)
    if namespace is None or not namespace.active:
        return
    if context.cache(SERVICE_ACCOUNTS, Object).get(f"{key}/{NAME}") is None:
        await provide(context, SERVICE_ACCOUNTS, {"metadata": {"name": NAME, "namespace": key}}, key)


CONTROLLER = Controller(
    name="serviceaccount-controller",
    queue="serviceaccount",
    watches=(
        Watch(NAMESPACES, Namespace),
        Watch(SERVICE_ACCOUNTS, Object, keys=of_namespace, field_selector=f"metadata.name={NAME}"),
    ),
    reconcile=reconcile,
    account="service-account-controller",
    may={"serviceaccounts": "create"},
)
