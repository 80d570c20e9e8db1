"""Small manifests, and what the API server makes of them before it stores them."""

from __future__ import annotations

from typing import Any

import yaml

from knarr.api.kind import Kind
from knarr.api.kinds.table import KINDS
from knarr.api.types import type_of

JSON = dict[str, Any]


def kind_for(api_version: str, kind: str) -> Kind:
    group, _, version = api_version.rpartition("/")
    found = ((k, v.name) for k in KINDS for v in k.versions if k.group == group and k.kind == kind)
    return next(k for k, name in found if name == version)


def defaulted(manifest: str) -> JSON:
    """The manifest decoded and defaulted; unknown fields are a mistake of the test."""
    tree: JSON = yaml.safe_load(manifest)
    kind = kind_for(tree["apiVersion"], tree["kind"])
    definition = type_of(kind.storage_version.definition)
    assert definition.decode(tree) == []
    definition.default(tree)
    return tree


def prepared(manifest: str) -> JSON:
    """The manifest as far as creation would bring it."""
    tree = defaulted(manifest)
    kind = kind_for(tree["apiVersion"], tree["kind"])
    tree["metadata"].setdefault("uid", "the-uid")
    if kind.prepare_create:
        kind.prepare_create(tree)
    return tree


def faults(tree: JSON) -> list[str]:
    """What creation would refuse, as users read it."""
    kind = kind_for(tree["apiVersion"], tree["kind"])
    errors = type_of(kind.storage_version.definition).validate(tree)
    for rule in (kind.validate, kind.validate_create):
        errors += rule(tree) if rule else ()
    return [str(error) for error in dict.fromkeys(errors)]


def update_faults(new: JSON, old: JSON) -> list[str]:
    """What an update of a valid object would refuse."""
    kind = kind_for(new["apiVersion"], new["kind"])
    errors = type_of(kind.storage_version.definition).validate_update(new, old)
    errors += kind.validate_update(new, old) if kind.validate_update else []
    return [str(error) for error in dict.fromkeys(errors)]


def status_faults(new: JSON, old: JSON) -> list[str]:
    """What a write of a valid object's status would refuse."""
    kind = kind_for(new["apiVersion"], new["kind"])
    model = type_of(kind.storage_version.definition)
    errors = [*model.validate_changes(new, old), *model.validate_update(new, old)]
    errors += kind.validate_status(new, old) if kind.validate_status else []
    return [str(error) for error in dict.fromkeys(errors)]


POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default}
spec:
  containers:
  - {name: web, image: nginx}
"""


def workload(api_version: str, kind: str, spec: str = "") -> str:
    """A workload that selects its Pods; `spec` is YAML of more fields of its spec, in braces' inside."""
    extra = f", {spec}" if spec else ""
    template = "{metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: nginx}]}}"
    return f"""
apiVersion: {api_version}
kind: {kind}
metadata: {{name: web, namespace: default}}
spec: {{selector: {{matchLabels: {{app: web}}}}, template: {template}{extra}}}
"""


def job(spec: str = "") -> str:
    extra = f", {spec}" if spec else ""
    return f"""
apiVersion: batch/v1
kind: Job
metadata: {{name: pi, namespace: default}}
spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: pi, image: perl}}]}}}}{extra}}}
"""


def service(spec: str) -> str:
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: default}}
spec: {{{spec}}}
"""


def pod(spec: str) -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: web, namespace: default}}
spec: {{{spec}}}
"""


def container(fields: str = "") -> str:
    """A Pod of one container with more fields."""
    extra = f", {fields}" if fields else ""
    return pod(f"containers: [{{name: web, image: nginx{extra}}}]")
