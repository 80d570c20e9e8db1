"""Which figures there are: one line each, with upstream's name, labels and bounds."""

from __future__ import annotations

from knarr.machinery.figures import Family

_LATENCIES = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
_STEP_LATENCIES = (0.005, 0.025, 0.1, 0.5, 1, 2.5, 10)
_SIZES = tuple(10.0**exponent for exponent in range(3, 10))  # bytes

_REQUEST = ("component", "dry_run", "group", "resource", "scope", "subresource", "verb", "version")
_SHORT = ("component", "group", "resource", "scope", "subresource", "verb", "version")
_RESOURCE = ("group", "resource")

REQUESTS = Family(
    "apiserver_request_total",
    "counter",
    "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, "
    "component, and HTTP response code.",
    ("code", *_REQUEST),
)
REQUEST_DURATION = Family(
    "apiserver_request_duration_seconds",
    "histogram",
    "Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, "
    "scope and component.",
    _REQUEST,
    _LATENCIES,
)
REQUEST_SLI_DURATION = Family(
    "apiserver_request_sli_duration_seconds",
    "histogram",
    "Response latency distribution (not counting webhook duration and priority & fairness queue wait times) in seconds "
    "for each verb, group, version, resource, subresource, scope and component.",
    _SHORT,
    _LATENCIES,
)
RESPONSE_SIZES = Family(
    "apiserver_response_sizes",
    "histogram",
    "Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.",
    _SHORT,
    _SIZES,
)
INFLIGHT = Family(
    "apiserver_current_inflight_requests",
    "gauge",
    "Maximal number of currently used inflight request limit of this apiserver per request kind in last second.",
    ("request_kind",),
)
LONG_RUNNING = Family(
    "apiserver_longrunning_requests",
    "gauge",
    "Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and "
    "component. Not all requests are tracked this way.",
    _SHORT,
)
TERMINATIONS = Family(
    "apiserver_request_terminations_total",
    "counter",
    "Number of requests which apiserver terminated in self-defense.",
    ("code", *_SHORT),
)
DEPRECATED = Family(
    "apiserver_requested_deprecated_apis",
    "gauge",
    "Gauge of deprecated APIs that have been requested, broken out by API group, version, resource, subresource, and "
    "removed_release.",
    ("group", "version", "resource", "subresource", "removed_release"),
)
WATCH_EVENTS = Family(
    "apiserver_watch_events_total",
    "counter",
    "Number of events sent in watch clients",
    ("group", "version", "resource"),
)
WATCH_SIZES = Family(
    "apiserver_watch_events_sizes",
    "histogram",
    "Watch event size distribution in bytes",
    ("group", "version", "resource"),
    tuple(float(1024 << doublings) for doublings in range(8)),
)
OBJECTS = Family(
    "apiserver_resource_objects",
    "gauge",
    "Number of stored objects at the time of last check split by kind.",
    _RESOURCE,
)
STORAGE_OBJECTS = Family(
    "apiserver_storage_objects",
    "gauge",
    "Number of stored objects at the time of last check split by kind.",
    ("resource",),
)
BROKEN_HANDSHAKES = Family(
    "apiserver_tls_handshake_errors_total",
    "counter",
    "Number of requests dropped with 'TLS handshake error from' error",
)
STORAGE_SIZE = Family(
    "apiserver_storage_size_bytes",
    "gauge",
    "Size of the storage database file physically allocated in bytes.",
    ("storage_cluster_id",),
)
CACHE_LISTS = Family(
    "apiserver_cache_list_total",
    "counter",
    "Number of LIST requests served from watch cache",
    ("group", "index", "resource"),
)
CACHE_LISTED = Family(
    "apiserver_cache_list_returned_objects_total",
    "counter",
    "Number of objects returned for a LIST request from watch cache",
    _RESOURCE,
)
STORAGE_LISTS = Family(
    "apiserver_storage_list_total", "counter", "Number of LIST requests served from storage", _RESOURCE
)
STORAGE_LISTED = Family(
    "apiserver_storage_list_returned_objects_total",
    "counter",
    "Number of objects returned for a LIST request from storage",
    _RESOURCE,
)
CACHE_EVENTS = Family(
    "apiserver_watch_cache_events_received_total",
    "counter",
    "Counter of events received in watch cache broken by resource type.",
    _RESOURCE,
)
CACHE_LOADS = Family(
    "apiserver_watch_cache_initializations_total",
    "counter",
    "Counter of watch cache initializations broken by resource type.",
    _RESOURCE,
)
STORE_DURATION = Family(
    "etcd_request_duration_seconds",
    "histogram",
    "Etcd request latency in seconds for each operation and object type.",
    ("operation", "group", "resource"),
    _LATENCIES,
)
STEP_DURATION = Family(
    "apiserver_admission_step_admission_duration_seconds",
    "histogram",
    "Admission sub-step latency histogram in seconds, broken out for each operation and API resource and step type "
    "(validate or admit).",
    ("operation", "rejected", "type"),
    _STEP_LATENCIES,
)
CONTROLLER_DURATION = Family(
    "apiserver_admission_controller_admission_duration_seconds",
    "histogram",
    "Admission controller latency histogram in seconds, identified by name and broken out for each operation and API "
    "resource and type (validate or admit).",
    ("name", "operation", "rejected", "type"),
    _STEP_LATENCIES,
)
_WEBHOOK = "apiserver_admission_webhook"
_CODES = "Codes greater than 600 are truncated to 600, to keep the metrics cardinality bounded."
WEBHOOK_DURATION = Family(
    f"{_WEBHOOK}_admission_duration_seconds",
    "histogram",
    "Admission webhook latency histogram in seconds, identified by name and broken out for each operation and API "
    "resource and type (validate or admit).",
    ("name", "operation", "rejected", "type"),
    (0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25),
)
WEBHOOK_REQUESTS = Family(
    f"{_WEBHOOK}_request_total",
    "counter",
    "Admission webhook request total, identified by name and broken out for each admission type (validating or "
    "mutating) and operation. Additional labels specify whether the request was rejected or not and an HTTP status "
    f"code. {_CODES}",
    ("code", "name", "operation", "rejected", "type"),
)
WEBHOOK_REJECTIONS = Family(
    f"{_WEBHOOK}_rejection_count",
    "counter",
    "Admission webhook rejection count, identified by name and broken out for each admission type (validating or "
    "admit) and operation. Additional labels specify an error type (calling_webhook_error or apiserver_internal_error "
    "if an error occurred; no_error otherwise) and optionally a non-zero rejection code if the webhook rejects the "
    f"request with an HTTP status code (honored by the apiserver when the code is greater or equal to 400). {_CODES}",
    ("error_type", "name", "operation", "rejection_code", "type"),
)
WEBHOOK_FAIL_OPEN = Family(
    f"{_WEBHOOK}_fail_open_count",
    "counter",
    "Admission webhook fail open count, identified by name and broken out for each admission type (validating or "
    "mutating).",
    ("name", "type"),
)
UNAVAILABLE = Family(
    "aggregator_unavailable_apiservice",
    "gauge",
    "Gauge of APIServices which are marked as unavailable broken down by APIService name.",
    ("name",),
)
UNAVAILABLE_TOTAL = Family(
    "aggregator_unavailable_apiservice_total",
    "counter",
    "Counter of APIServices which are marked as unavailable broken down by APIService name and reason.",
    ("name", "reason"),
)
POLICY_CHECKS = Family(
    "apiserver_validating_admission_policy_check_total",
    "counter",
    "Validation admission policy check total, labeled by policy and further identified by binding and enforcement "
    "action taken.",
    ("enforcement_action", "error_type", "policy", "policy_binding"),
)
MUTATION_CHECKS = Family(
    "apiserver_mutating_admission_policy_check_total",
    "counter",
    "Mutation admission policy check total, labeled by policy and further identified by binding.",
    ("error_type", "policy", "policy_binding"),
)
_CHECK_LATENCIES = (0.0000005, 0.001, 0.01, 0.1, 1.0)
POLICY_CHECK_DURATION = Family(
    "apiserver_validating_admission_policy_check_duration_seconds",
    "histogram",
    "Validation admission latency for individual validation expressions in seconds, labeled by policy and further "
    "including binding and enforcement action taken.",
    POLICY_CHECKS.labels,
    _CHECK_LATENCIES,
)
MUTATION_CHECK_DURATION = Family(
    "apiserver_mutating_admission_policy_check_duration_seconds",
    "histogram",
    "Mutation admission latency for individual mutation expressions in seconds, labeled by policy and binding.",
    MUTATION_CHECKS.labels,
    _CHECK_LATENCIES,
)
RULES_DURATION = Family(
    "apiserver_cel_evaluation_duration_seconds",
    "histogram",
    "CEL evaluation time in seconds.",
    bounds=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
