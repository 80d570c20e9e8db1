"""Where the definitions come from, and how they are brought into OpenAPI's form.

The package kubernetes-validate carries them as JSON Schema made for its own validator: types that may be null,
references into `$defs`, the values of `kind` and `apiVersion` as enums. Only its data files are read: importing it
takes longer than a start of Knarr.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import orjson

from knarr.api.kind import JSON

KUBERNETES = "1.36.0"
REFERENCE = "#/components/schemas/"

_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_SPECIAL: dict[str, JSON] = {
    _INT_OR_STRING: {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    _QUANTITY: {"oneOf": [{"type": "string"}, {"type": "number"}]},
}


def package() -> Path:
    """Where the package with the definitions lies."""
    spec = find_spec("kubernetes_validate")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package kubernetes-validate is missing; install Knarr with its dependencies")
    return Path(spec.submodule_search_locations[0])


def package_version() -> str:
    """Read as text: importlib.metadata would cost more than all the rest of the start."""
    found = re.search(r"""['"](.+?)['"]""", (package() / "version.py").read_text())
    return found[1] if found else "unknown"


def read() -> dict[str, JSON]:
    """All definitions in OpenAPI's form, by name, with what no package has derived from its neighbours."""
    path = package() / "kubernetes-json-schema" / f"v{KUBERNETES}-local" / "_definitions.json"
    published = orjson.loads(path.read_bytes())["$defs"]
    normalised = {name: _SPECIAL.get(name) or _definition(schema) for name, schema in published.items()}
    return normalised | _older_cron_jobs(normalised)


def _definition(schema: JSON) -> JSON:
    normalised = _schema(schema)
    for name in ("kind", "apiVersion"):
        normalised.get("properties", {}).get(name, {}).pop("enum", None)
    return normalised


def _schema(schema: JSON) -> JSON:
    """One schema and all within: null is no type, a reference with something beside it is an `allOf`."""
    result: JSON = {key: _PARTS.get(key, _as_is)(value) for key, value in schema.items()}
    reference = result.pop("$ref", None)
    if reference is None:
        return result
    return {"allOf": [{"$ref": reference}], **result} if result else {"$ref": reference}


def _as_is(value: Any) -> Any:
    return value


def _type(value: str | list[str]) -> str:
    return value if isinstance(value, str) else next(name for name in value if name != "null")


def _reference(value: str) -> str:
    return REFERENCE + value.removeprefix("#/$defs/")


_PARTS: dict[str, Callable[[Any], Any]] = {
    "type": _type,
    "$ref": _reference,
    "items": _schema,
    "additionalProperties": lambda value: _schema(value) if isinstance(value, dict) else value,
    "properties": lambda fields: {name: _schema(schema) for name, schema in fields.items()},
}


def _older_cron_jobs(definitions: dict[str, JSON]) -> dict[str, JSON]:
    """batch/v1beta1 CronJob, published no more: v1's with its own name; the parts it is made of are v1's."""
    return {
        f"io.k8s.api.batch.v1beta1.{kind}": _renamed(definitions[f"io.k8s.api.batch.v1.{kind}"])
        for kind in ("CronJob", "CronJobList")
    }


def _renamed(schema: JSON) -> JSON:
    text = msgspec.json.encode(schema).replace(b'io.k8s.api.batch.v1.CronJob"', b'io.k8s.api.batch.v1beta1.CronJob"')
    renamed: JSON = orjson.loads(text)
    for identity in renamed["x-kubernetes-group-version-kind"]:
        identity["version"] = "v1beta1"
    return renamed
