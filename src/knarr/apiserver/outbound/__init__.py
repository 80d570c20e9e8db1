"""Servers that the API server itself calls: webhooks of admission and conversion, and aggregated APIs.

A target is named by an object (a `clientConfig`, an APIService's spec); a Service is resolved where a connection is
made, so that none of this needs the cluster's DNS. A remote is named by a kubeconfig file.
"""

from knarr.apiserver.outbound.calls import CallError, Webhooks
from knarr.apiserver.outbound.targets import Target, client_config_target

__all__ = ["CallError", "Target", "Webhooks", "client_config_target"]
