"""What is told of the configuration of encryption, under upstream's names."""

from __future__ import annotations

from knarr.machinery.figures import Family

RELOADS = Family(
    "apiserver_encryption_config_controller_automatic_reloads_total",
    "counter",
    "Total number of reload successes and failures of encryption configuration split by apiserver identity.",
    ("status", "apiserver_id_hash"),
)
RELOAD_TIMES = Family(
    "apiserver_encryption_config_controller_automatic_reload_last_timestamp_seconds",
    "gauge",
    "Timestamp of the last successful or failed automatic reload of encryption configuration split by apiserver "
    "identity.",
    RELOADS.labels,
)
CONFIG_INFO = Family(
    "apiserver_encryption_config_controller_last_config_info",
    "gauge",
    "Information about the last applied encryption configuration with hash as label, split by apiserver identity.",
    ("apiserver_id_hash", "hash"),
)
