"""Checks of what names a webhook, and of the rules by which webhooks and policies are chosen.

Upstream: k8s.io/apiserver, pkg/util/webhook.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from knarr.api.checks import member
from knarr.api.kind import JSON
from knarr.machinery.fielderrors import FieldError, invalid, not_supported, required
from knarr.machinery.names import dns1035_label, dns1123_subdomain, port_number

REVIEW_VERSIONS = ("v1", "v1beta1")  # which configurations may name; v1 is what we speak
HTTPS = 443
NO_PEM = "unable to parse bytes as PEM block"  # as upstream says of a caBundle
_OPERATIONS, _SCOPES = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE"), ("*", "Cluster", "Namespaced")
_FORM = "; desired format: https://host[/path]"


def client_config(path: str, config: JSON) -> Iterable[FieldError]:
    """Exactly one of a URL and a Service."""
    url, named = config.get("url"), config.get("service")
    if (url is None) == (named is None):
        yield required(path, "exactly one of url or service is required")
    elif url is not None:
        yield from _url(f"{path}.url", url)
    elif named is not None:
        yield from service(f"{path}.service", named)


def is_authority(bundle: str) -> bool:
    """Whether a `caBundle` holds certificates, of which an empty one needs none."""
    if not bundle:
        return True
    from cryptography.x509 import load_pem_x509_certificates  # here: loading this takes milliseconds

    try:
        return bool(load_pem_x509_certificates(base64.b64decode(bundle)))
    except ValueError:
        return False


def review_versions(path: str, versions: Sequence[str]) -> Iterable[FieldError]:
    """At least one that the API server can speak."""
    listed = ", ".join(REVIEW_VERSIONS)
    if not versions:
        yield required(path, f"must specify one of {listed}")
        return
    for index, version in enumerate(versions):
        if version in versions[:index]:
            yield invalid(f"{path}[{index}]", version, "duplicate version")
        else:
            yield from (invalid(f"{path}[{index}]", version, message) for message in dns1035_label(version))
    if not set(versions) & set(REVIEW_VERSIONS):
        yield invalid(path, list(versions), f"must include at least one of {listed}")


def _url(path: str, url: str) -> Iterable[FieldError]:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        yield required(path, f"url must be a valid URL: {error}{_FORM}")
        return
    if parts.scheme != "https":
        yield invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{_FORM}")
    if not host:
        yield invalid(path, host or "", f"host must be specified{_FORM}")
    if "@" in parts.netloc:
        yield invalid(path, parts.netloc.rpartition("@")[0], "user information is not permitted in the URL")
    if parts.fragment:
        yield invalid(path, parts.fragment, "fragments are not permitted in the URL")
    if parts.query:
        yield invalid(path, parts.query, "query parameters are not permitted in the URL")


def service(path: str, named: JSON) -> Iterable[FieldError]:
    """A Service's name, namespace and port, and the path there."""
    for field in ("name", "namespace"):
        if named.get(field) == "":  # the schema asks for what is absent
            yield required(f"{path}.{field}", f"service {field} is required")
    port = named.get("port", HTTPS)
    if messages := port_number(port):
        yield invalid(f"{path}.port", port, f"port is not valid: {','.join(messages)}")
    if named.get("path"):
        yield from _service_path(f"{path}.path", named["path"])


def _service_path(path: str, given: str) -> Iterable[FieldError]:
    if given == "/":
        return
    if given == "//":
        yield invalid(path, given, "segment[0] may not be empty")
        return
    if not given.startswith("/"):
        yield invalid(path, given, "must start with a '/'")
    for index, segment in enumerate(given[1:].removesuffix("/").split("/")):
        if not segment:
            yield invalid(path, given, f"segment[{index}] may not be empty")
        else:
            yield from (invalid(path, given, f"segment[{index}]: {message}") for message in dns1123_subdomain(segment))


def rule_with_operations(rule: JSON, path: str) -> Iterable[FieldError]:
    """Operations and resources, where `*` stands by itself."""
    yield from _listed(f"{path}.operations", rule.get("operations") or (), "operations")
    for index, operation in enumerate(rule.get("operations") or ()):
        if operation not in _OPERATIONS:
            yield not_supported(f"{path}.operations[{index}]", operation, _OPERATIONS)
    yield from _listed(f"{path}.apiGroups", rule.get("apiGroups") or (), "API groups")
    yield from _listed(f"{path}.apiVersions", rule.get("apiVersions") or (), "API versions")
    yield from _filled(f"{path}.apiVersions", rule.get("apiVersions") or ())
    yield from _resources(f"{path}.resources", rule.get("resources") or ())
    yield from member(f"{path}.scope", rule.get("scope", "*"), _SCOPES)


def _listed(path: str, values: Sequence[str], nouns: str) -> Iterable[FieldError]:
    if not values:
        yield required(path)
    elif len(values) > 1 and "*" in values:
        yield invalid(path, list(values), f"if '*' is present, must not specify other {nouns}")


def _filled(path: str, values: Sequence[str]) -> Iterable[FieldError]:
    return (required(f"{path}[{index}]") for index, value in enumerate(values) if not value)


def _resources(path: str, resources: Sequence[str]) -> Iterable[FieldError]:
    if not resources:
        yield required(path)
    yield from _filled(path, resources)
    for index, given in enumerate(resources):
        resource, slash, subresource = given.partition("/")
        for wildcard in (f"{resource}/*", f"*/{subresource}"):
            if slash and wildcard in resources[:index]:
                detail = f"if '{wildcard}' is present, must not specify {given}"
                yield invalid(f"{path}[{index}]", given, detail)
    if len(resources) > 1 and "*/*" in resources:
        yield invalid(path, list(resources), "if '*/*' is present, must not specify other resources")
    if "*" in resources and any(given != "*" and "/" not in given for given in resources):
        detail = "if '*' is present, must not specify other resources without subresources"
        yield invalid(path, list(resources), detail)
