"""The API server's own figures, under upstream's names, in Prometheus' text form.

Counting is on the way of every request and costs dictionary look-ups; whatever can be read when somebody asks is read
then. https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from knarr.apiserver.metrics.metrics import Labels, Metrics

__all__ = ["Labels", "Metrics"]
