"""The composition root: certificates, configuration, processes. The only place that knows everybody."""
