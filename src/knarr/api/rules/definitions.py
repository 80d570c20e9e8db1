"""CustomResourceDefinitions: what their authors may leave out."""

from __future__ import annotations

from knarr.api.kind import JSON, Rules
from knarr.api.webhooks import HTTPS

_V1 = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1"


def _names(names: JSON) -> None:
    kind = names.get("kind") or ""
    if kind and not names.get("singular"):
        names["singular"] = kind.lower()
    if kind and not names.get("listKind"):
        names["listKind"] = f"{kind}List"


RULES = (
    Rules(f"{_V1}.CustomResourceDefinitionSpec", defaults={"conversion": {"strategy": "None"}}),
    Rules(f"{_V1}.CustomResourceDefinitionNames", default=_names),
    Rules(f"{_V1}.CustomResourceDefinitionVersion", defaults={"served": False, "storage": False}),
    Rules(f"{_V1}.ServiceReference", defaults={"port": HTTPS}),
)
