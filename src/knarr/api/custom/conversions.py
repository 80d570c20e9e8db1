"""How a definition's versions become one another: spec.conversion."""

from __future__ import annotations

from collections.abc import Iterator

from knarr.api.checks import member
from knarr.api.kind import JSON
from knarr.api.webhooks import NO_PEM, client_config, is_authority, review_versions
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, required


def check_conversion(spec: JSON) -> Iterator[FieldError]:
    """What is wrong with a definition's spec.conversion."""
    conversion = spec.get("conversion")
    if not conversion:
        return
    path, strategy = "spec.conversion", conversion.get("strategy")
    if not strategy:
        yield required(f"{path}.strategy")
    else:
        yield from member(f"{path}.strategy", strategy, ("None", "Webhook"))
    webhook = conversion.get("webhook") or {}
    if strategy == "Webhook":
        yield from _webhook(path, webhook)
        return
    for name, at in (("clientConfig", "webhookClientConfig"), ("conversionReviewVersions", "conversionReviewVersions")):
        if webhook.get(name):
            yield forbidden(f"{path}.{at}", "should not be set when strategy is not set to Webhook")


def has_authority(spec: JSON) -> bool:
    """Whether those can be trusted who vouch for the webhook, if there is one."""
    webhook = (spec.get("conversion") or {}).get("webhook") or {}
    return is_authority((webhook.get("clientConfig") or {}).get("caBundle") or "")


def check_authority(spec: JSON, before: JSON) -> Iterator[FieldError]:
    """A definition whose webhook could be trusted stays one."""
    if has_authority(before) and not has_authority(spec):
        bundle = spec["conversion"]["webhook"]["clientConfig"]["caBundle"]
        why = f"unable to load root certificates: {NO_PEM}"
        yield invalid("spec.conversion.webhookClientConfig.caBundle", bundle, why)


def _webhook(path: str, webhook: JSON) -> Iterator[FieldError]:
    config = webhook.get("clientConfig")
    if not config:
        yield required(f"{path}.webhookClientConfig", "required when strategy is set to Webhook")
    else:
        yield from client_config(f"{path}.webhookClientConfig", config)
    versions, at = webhook.get("conversionReviewVersions") or [], f"{path}.conversionReviewVersions"
    yield from review_versions(at, versions) if versions else [required(at)]
