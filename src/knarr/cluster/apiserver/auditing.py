"""The audit of an API server, as its flags have it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from knarr.apiserver.audit.auditing import Audit
from knarr.apiserver.audit.logs import Log, open_log
from knarr.apiserver.audit.matching import Matcher
from knarr.apiserver.audit.policies import read_policy
from knarr.apiserver.audit.rotation import Rotation
from knarr.apiserver.audit.sinks import Backend, Batch, Blocking, Buffered, Failures, Sink
from knarr.apiserver.audit.truncating import Truncating, Truncation
from knarr.apiserver.audit.webhooks import Webhook
from knarr.apiserver.configfiles import ConfigFileError
from knarr.apiserver.metrics import Metrics
from knarr.apiserver.outbound.remotes import Remote, Retry
from knarr.client.kubeconfig import KubeconfigError
from knarr.cluster.errors import UserError
from knarr.cluster.flags.audit import Audit as Flags
from knarr.cluster.flags.audit import Backend as Common
from knarr.machinery.clock import Clock

_MEGABYTE = 1024 * 1024
_ONCE = Retry(attempts=1)  # the back-end asks again itself
_GATHERED = 0.02  # seconds: a log in batch mode is written 50 times a second at most


def audit_of(flags: Flags, clock: Clock, metrics: Metrics) -> Audit | None:
    """None where nothing is to be recorded. Raises UserError for files that cannot be used."""
    if not flags.audit_policy_file or not (flags.audit_log_path or flags.audit_webhook_config_file):
        return None
    try:
        policy = read_policy(Path(flags.audit_policy_file))
    except ConfigFileError as error:
        raise UserError(f"--audit-policy-file: loading audit policy file: {error}") from None
    return Audit(Matcher(policy), list(_sinks(flags, clock, Failures(metrics))), clock, metrics)


def _sinks(flags: Flags, clock: Clock, failures: Failures) -> Iterator[Sink]:
    if flags.audit_webhook_config_file:
        common = flags.of("webhook")
        yield _sink(common, _webhook(flags, clock, failures), _batch(common, together=True), clock, failures)
    if flags.audit_log_path:
        common = flags.of("log")
        yield _sink(common, _log(flags, clock, failures), _log_batch(common), clock, failures)


def _sink(flags: Common, backend: Backend, batch: Batch, clock: Clock, failures: Failures) -> Sink:
    if flags.truncate_enabled:
        limits = Truncation(flags.truncate_max_event_size, flags.truncate_max_batch_size)
        backend = Truncating(backend, limits, failures)
    if flags.mode == "batch":
        return Buffered(backend, batch, clock, failures)
    return Blocking(backend, strict=flags.mode == "blocking-strict")


def _batch(flags: Common, *, together: bool = False) -> Batch:
    throttled = flags.batch_throttle_enable
    return Batch(
        flags.batch_buffer_size,
        flags.batch_max_size,
        flags.batch_max_wait,
        flags.batch_throttle_qps if throttled else 0.0,
        flags.batch_throttle_burst if throttled else 0,
        together,
    )


def _log_batch(flags: Common) -> Batch:
    """Nobody sees where one write to a file ends and the next begins, unless they are few."""
    if flags.batch_throttle_enable:
        return _batch(flags)
    return Batch(flags.batch_buffer_size, flags.batch_buffer_size, _GATHERED)


def _log(flags: Flags, clock: Clock, failures: Failures) -> Log:
    rotation = Rotation(
        (flags.audit_log_maxsize or 100) * _MEGABYTE,
        flags.audit_log_maxbackup,
        flags.audit_log_maxage,
        flags.audit_log_compress,
    )
    try:
        return Log(open_log(flags.audit_log_path, rotation, clock), flags.audit_log_format, failures)
    except OSError as error:
        raise UserError(f"--audit-log-path: ensureLogFile: {error}") from None


def _webhook(flags: Flags, clock: Clock, failures: Failures) -> Webhook:
    try:
        remote = Remote(Path(flags.audit_webhook_config_file), clock, _ONCE)
    except KubeconfigError as error:
        raise UserError(f"--audit-webhook-config-file: initializing audit webhook: {error}") from None
    return Webhook(remote, flags.audit_webhook_initial_backoff, clock, failures)
