"""The kubelet's own certificates, as a client of the API and as a server: asked for, kept, and renewed in time.

https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/
"""
