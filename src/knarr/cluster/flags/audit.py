"""Flags about what is recorded of requests, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Annotated

from knarr.cluster.flags.notation import File, Flags, Number, Text

MODES = ("batch", "blocking", "blocking-strict")
FORMATS = ("legacy", "json")
VERSION = "audit.k8s.io/v1"
_MODE = "how requests wait for it: batch (not at all), blocking (until written) or blocking-strict (and fail without)"
_BUFFER = "events that wait for a batch at most; more are lost"
_QPS = "batches per second on average"
_BURST = "batches at once, where few were sent before"
_TRUNCATE = "cut events and batches that are too large"
_LARGEST_EVENT = "bytes of an event; what is larger goes without its objects, or not at all"
_LARGEST_BATCH = "bytes of a batch; what is larger is divided"
_VERSION = "the version in which events are written"


class Audit(Flags, frozen=True, kw_only=True):
    """Nothing is recorded without a policy file, nor without a log or a webhook. https://kubernetes.io/docs/tasks/
    debug/debug-cluster/audit/
    """

    audit_policy_file: Annotated[File, Text(description="the policy: what is recorded, and how fully")] = File("")

    audit_log_path: Annotated[File, Text(description="the file that events go to; - is standard output")] = File("")
    audit_log_format: Annotated[str, Text(description="json, a line for each event, or legacy, a line of text")] = (
        "json"
    )
    audit_log_maxage: Annotated[int, Text(description="days that old files are kept; 0 sets no limit")] = 0
    audit_log_maxbackup: Annotated[int, Text(description="old files that are kept; 0 sets no limit")] = 0
    audit_log_maxsize: Annotated[int, Text(description="megabytes of a file before the next begins; 0 is 100")] = 0
    audit_log_compress: Annotated[bool, Text(description="compress old files")] = False
    audit_log_mode: Annotated[str, Text(description=_MODE)] = "blocking"
    audit_log_batch_buffer_size: Annotated[int, Text(description=f"in batch mode, {_BUFFER}")] = 10_000
    audit_log_batch_max_size: Annotated[int, Text(description="in batch mode and throttled, events of a batch")] = 1
    audit_log_batch_max_wait: Annotated[
        float, Text(description="in batch mode and throttled, how long a batch is waited for")
    ] = 0.0
    audit_log_batch_throttle_enable: Annotated[bool, Text(description="in batch mode, limit how often is written")] = (
        False
    )
    audit_log_batch_throttle_qps: Annotated[Number, Text(description=f"throttled, {_QPS}")] = Number(0.0)
    audit_log_batch_throttle_burst: Annotated[int, Text(description=f"throttled, {_BURST}")] = 0
    audit_log_truncate_enabled: Annotated[bool, Text(description=_TRUNCATE)] = False
    audit_log_truncate_max_event_size: Annotated[int, Text(description=f"truncated, {_LARGEST_EVENT}")] = 100 << 10
    audit_log_truncate_max_batch_size: Annotated[int, Text(description=f"truncated, {_LARGEST_BATCH}")] = 10 << 20
    audit_log_version: Annotated[str, Text(description=_VERSION)] = VERSION

    audit_webhook_config_file: Annotated[
        File, Text(description="a kubeconfig file that names the server which events are sent to")
    ] = File("")
    audit_webhook_mode: Annotated[str, Text(description=_MODE)] = "batch"
    audit_webhook_initial_backoff: Annotated[
        float, Text(description="how long to wait before what could not be sent is sent again for the first time")
    ] = 10.0
    audit_webhook_batch_buffer_size: Annotated[int, Text(description=f"in batch mode, {_BUFFER}")] = 10_000
    audit_webhook_batch_max_size: Annotated[int, Text(description="in batch mode, events of a batch at most")] = 400
    audit_webhook_batch_max_wait: Annotated[
        float, Text(description="in batch mode, how long a batch that is not full is waited for")
    ] = 30.0
    audit_webhook_batch_throttle_enable: Annotated[bool, Text(description="in batch mode, limit how often is sent")] = (
        True
    )
    audit_webhook_batch_throttle_qps: Annotated[Number, Text(description=f"throttled, {_QPS}")] = Number(10.0)
    audit_webhook_batch_throttle_burst: Annotated[int, Text(description=f"throttled, {_BURST}")] = 15
    audit_webhook_truncate_enabled: Annotated[bool, Text(description=_TRUNCATE)] = False
    audit_webhook_truncate_max_event_size: Annotated[int, Text(description=f"truncated, {_LARGEST_EVENT}")] = 100 << 10
    audit_webhook_truncate_max_batch_size: Annotated[int, Text(description=f"truncated, {_LARGEST_BATCH}")] = 10 << 20
    audit_webhook_version: Annotated[str, Text(description=_VERSION)] = VERSION

    def problems(self) -> list[str]:
        log = list(self._log()) if self.audit_log_path else []
        return [*log, *(self._backend("webhook") if self.audit_webhook_config_file else ())]

    def of(self, plugin: str) -> Backend:
        """The flags that the log and the webhook both have."""
        return Backend.of(plugin, self)

    def _log(self) -> Iterator[str]:
        yield from self._backend("log")
        if self.audit_log_format not in FORMATS:
            yield f'invalid audit log format {self.audit_log_format}, allowed formats are "{",".join(FORMATS)}"'
        for field in ("maxage", "maxbackup", "maxsize"):
            if (value := getattr(self, f"audit_log_{field}")) < 0:
                yield f"--audit-log-{field} {value} can't be a negative number"

    def _backend(self, plugin: str) -> Iterator[str]:
        flags = self.of(plugin)
        if flags.mode not in MODES:
            yield f'invalid audit {plugin} mode {flags.mode}, allowed modes are "{",".join(MODES)}"'
        if flags.mode == "batch":
            yield from flags.batch_problems()
        if flags.truncate_enabled:
            yield from flags.truncation_problems()
        if flags.version != VERSION:
            yield f'invalid group version, allowed versions are ["{VERSION}"]'


@dataclass(frozen=True)
class Backend:
    """The flags of one back-end, without its name."""

    plugin: str
    mode: str
    batch_buffer_size: int
    batch_max_size: int
    batch_max_wait: float
    batch_throttle_enable: bool
    batch_throttle_qps: float
    batch_throttle_burst: int
    truncate_enabled: bool
    truncate_max_event_size: int
    truncate_max_batch_size: int
    version: str

    @classmethod
    def of(cls, plugin: str, flags: Audit) -> Backend:
        names = [field.name for field in fields(cls) if field.name != "plugin"]
        return cls(plugin, **{name: getattr(flags, f"audit_{plugin}_{name}") for name in names})

    def batch_problems(self) -> Iterator[str]:
        throttle = {"throttle QPS": self.batch_throttle_qps, "throttle burst": self.batch_throttle_burst}
        sizes = {"buffer size": self.batch_buffer_size, "max batch size": self.batch_max_size}
        for what, value in {**sizes, **(throttle if self.batch_throttle_enable else {})}.items():
            if value <= 0:
                yield f"invalid audit batch {self.plugin} {what} {value:g}, must be a positive number"

    def truncation_problems(self) -> Iterator[str]:
        event, batch = self.truncate_max_event_size, self.truncate_max_batch_size
        if event <= 0:
            yield f"invalid audit truncate {self.plugin} max event size {event}, must be a positive number"
        if batch < event:
            why = f"must be greater than max event size ({event})"
            yield f"invalid audit truncate {self.plugin} max batch size {batch}, {why}"
