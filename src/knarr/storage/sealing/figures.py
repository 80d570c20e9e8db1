"""What is told of encryption: upstream's figures, without those of KMS v1."""

from __future__ import annotations

from knarr.machinery.figures import Family

_FROM_5_US = tuple(5e-6 * 2**doublings for doublings in range(14))
_FROM_100_US = tuple(1e-4 * 2**doublings for doublings in range(20))

OPERATIONS = Family(
    "apiserver_storage_transformation_operations_total",
    "counter",
    "Total number of transformations.",
    ("transformation_type", "transformer_prefix", "status"),
)
DURATION = Family(
    "apiserver_storage_transformation_duration_seconds",
    "histogram",
    "Latencies in seconds of value transformation operations.",
    ("transformation_type", "transformer_prefix"),
    tuple(5e-6 * 2**doublings for doublings in range(25)),
)
CACHE_MISSES = Family(
    "apiserver_storage_envelope_transformation_cache_misses_total",
    "counter",
    "Total number of cache misses while accessing key decryption key(KEK).",
)
GENERATION = Family(
    "apiserver_storage_data_key_generation_duration_seconds",
    "histogram",
    "Latencies in seconds of data encryption key(DEK) generation operations.",
    bounds=_FROM_5_US,
)
KMS_LATENCY = Family(
    "apiserver_envelope_encryption_kms_operations_latency_seconds",
    "histogram",
    "KMS operation duration with gRPC error code status total.",
    ("provider_name", "method_name", "grpc_status_code"),
    _FROM_100_US,
)
KEY_IDS = Family(
    "apiserver_envelope_encryption_key_id_hash_total",
    "counter",
    "Number of times a keyID is used split by transformation type, provider, and apiserver identity.",
    ("transformation_type", "provider_name", "key_id_hash", "apiserver_id_hash"),
)
KEY_ID_TIMES = Family(
    "apiserver_envelope_encryption_key_id_hash_last_timestamp_seconds",
    "gauge",
    "The last time in seconds when a keyID was used.",
    KEY_IDS.labels,
)
STATUS_TIMES = Family(
    "apiserver_envelope_encryption_key_id_hash_status_last_timestamp_seconds",
    "gauge",
    "The last time in seconds when a keyID was returned by the Status RPC call.",
    ("provider_name", "key_id_hash", "apiserver_id_hash"),
)
INVALID_KEY_IDS = Family(
    "apiserver_envelope_encryption_invalid_key_id_from_status_total",
    "counter",
    "Number of times an invalid keyID is returned by the Status RPC call split by error.",
    ("provider_name", "error"),
)
