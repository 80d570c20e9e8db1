"""The API server, composed: what its flags and the cluster's files mean for each part of it, and the parts together."""
