"""The client of the Kubernetes API: transports, REST verbs, watch, kubeconfig, and the views that components decode.

What a component knows of the cluster it knows through here; the transport may be HTTP or in-process.
"""
