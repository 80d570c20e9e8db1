"""Answers of webhooks that authorize, and the file that says who is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.api.webhooks import Hook, kubeconfig

JSON = dict[str, Any]


def says(**status: Any) -> Callable[[JSON], JSON]:
    return lambda review: {"apiVersion": review["apiVersion"], "kind": "SubjectAccessReview", "status": status}


@dataclass
class Configuration:
    """An AuthorizationConfiguration."""

    path: Path
    webhook: Hook

    def write(self, *authorizers: JSON | str) -> None:
        listed = [a if isinstance(a, dict) else {"type": a, "name": a.lower()} for a in authorizers]
        tree = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration", "authorizers": listed}
        self.path.write_text(yaml.safe_dump(tree))

    def ask(self, name: str, path: str) -> JSON:
        """The webhook, by a name, at a path of its own."""
        connection = kubeconfig(self.webhook, self.path.with_name(name), path)
        fields = {
            "timeout": "3s",
            "subjectAccessReviewVersion": "v1",
            "failurePolicy": "NoOpinion",
            "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(connection)},
        }
        return {"type": "Webhook", "name": name, "webhook": fields}
