"""Which container of a Pod a request means, and what the kubelet is to be asked about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from knarr.api.kind import JSON
from knarr.apiserver.request import truthy
from knarr.machinery.errors import BadRequest, Invalid
from knarr.machinery.fielderrors import FieldError, forbidden, invalid

Parameters = Mapping[str, list[str]]

_KINDS = (
    ("containers", ""),
    ("initContainers", " or one of the init containers: "),
    ("ephemeralContainers", " or one of the ephemeral containers: "),
)
_LOG_FLAGS = ("follow", "previous", "timestamps")
_LOG_NUMBERS = {"sinceSeconds": 1, "tailLines": 0, "limitBytes": 1}  # with the least that each may be
_STREAMS = {"stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}  # ours, and the kubelet's names


def container_of(pod: JSON, wanted: str) -> str:
    """The container's name; the only one where none is named. Raises BadRequest."""
    names = {kind: [container["name"] for container in pod["spec"].get(kind, [])] for kind, _ in _KINDS}
    name = pod["metadata"]["name"]
    if wanted:
        if not any(wanted in found for found in names.values()):
            raise BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(names["containers"]) == 1:
        return str(names["containers"][0])
    choices = "".join(f"{text}[{' '.join(names[kind])}]" for kind, text in _KINDS if names[kind])
    text = f"a container name must be specified for pod {name}"
    raise BadRequest(f"{text}, choose one of: {choices}" if choices else text)


def pod_path(verb: str, pod: JSON, container: str = "") -> str:
    """The kubelet's path for a verb on a Pod or on one of its containers."""
    parts = [verb, pod["metadata"]["namespace"], pod["metadata"]["name"], *([container] if container else [])]
    return "/" + "/".join(quote(part) for part in parts)


def log_query(name: str, given: Parameters) -> str:
    """The kubelet's query for a log. Raises Invalid for options that make no sense."""
    found: list[tuple[str, str]] = [(flag, "true") for flag in _LOG_FLAGS if truthy(given.get(flag))]
    errors: list[FieldError] = []
    for option, least in _LOG_NUMBERS.items():
        if values := given.get(option):
            errors += _number_errors(option, values[0], least)
            found.append((option, values[0]))
    if since := given.get("sinceTime"):
        found.append(("sinceTime", since[0]))
        if "sinceSeconds" in given:
            errors.append(forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified"))
    if errors:
        raise Invalid.of("", "PodLogOptions", name, errors)
    if stream := given.get("stream"):
        found.append(("stream", stream[0]))
    return urlencode(found)


def stream_query(given: Parameters) -> str:
    """The kubelet's query for exec and attach."""
    found = [(theirs, "1") for ours, theirs in _STREAMS.items() if truthy(given.get(ours))]
    return urlencode([*found, *(("command", word) for word in given.get("command", ()))])


def _number_errors(option: str, text: str, least: int) -> list[FieldError]:
    try:
        value = int(text)
    except ValueError:
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
    return [invalid(option, value, f"must be greater than or equal to {least}")] if value < least else []
