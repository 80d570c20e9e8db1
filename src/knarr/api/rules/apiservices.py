"""APIServices: what a registration must say."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable

from knarr.api.checks import named
from knarr.api.kind import JSON, Rules
from knarr.api.webhooks import HTTPS
from knarr.machinery.fielderrors import FieldError, invalid, required
from knarr.machinery.names import dns1035_label, dns1123_subdomain, port_number

_V1 = "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1"
_PRIORITIES = {"groupPriorityMinimum": 20000, "versionPriority": 1000}  # with the most that each may be


def _spec(spec: JSON, path: str) -> Iterable[FieldError]:
    group, version = spec.get("group") or "", spec.get("version") or ""
    if group:
        yield from named(f"{path}.group", group, dns1123_subdomain)
    elif version != "v1":
        yield required(f"{path}.group", "only v1 may have an empty group and it better be legacy kube")
    yield from named(f"{path}.version", version, dns1035_label)
    for name, most in _PRIORITIES.items():
        if not 0 < spec.get(name, 1) <= most:
            yield invalid(f"{path}.{name}", spec[name], f"must be positive and less than {most}")
    yield from _remote(spec, path) if spec.get("service") is not None else _local(spec, path)


def _local(spec: JSON, path: str) -> Iterable[FieldError]:
    if bundle := spec.get("caBundle"):
        yield invalid(
            f"{path}.caBundle", f"{len(b64decode(bundle))} bytes", "local APIServices may not have a caBundle"
        )
    if spec.get("insecureSkipTLSVerify"):
        detail = "local APIServices may not have insecureSkipTLSVerify"
        yield invalid(f"{path}.insecureSkipTLSVerify", True, detail)


def _remote(spec: JSON, path: str) -> Iterable[FieldError]:
    service = spec["service"]
    for name in ("namespace", "name"):
        if not service.get(name):
            yield required(f"{path}.service.{name}")
    for message in port_number(service.get("port", HTTPS)):
        yield invalid(f"{path}.service.port", service["port"], f"port is not valid: {message}")
    if spec.get("insecureSkipTLSVerify") and spec.get("caBundle"):
        yield invalid(f"{path}.insecureSkipTLSVerify", True, "may not be true if caBundle is present")


RULES = (
    Rules(f"{_V1}.APIServiceSpec", validate=_spec),
    Rules(f"{_V1}.ServiceReference", defaults={"port": HTTPS}),
)
