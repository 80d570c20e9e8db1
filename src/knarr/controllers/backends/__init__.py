"""What the controllers of EndpointSlices and Endpoints share: which Pods are behind a Service, and how slices are kept.

No controller is in here.
"""
