"""Who may ask this node what: the API server is asked who somebody is and what they may do.

What runs in containers can be reached through the kubelet's port, so nobody is let in without credentials, and no
identity is trusted by its name alone.
https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
"""
