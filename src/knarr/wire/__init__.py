"""HTTP/1.1 over TLS as plain messages: the server's protocol, the client's connections, upgrades to raw byte streams.

Knows nothing of Kubernetes. Everything that listens (API server, kubelet, metrics) or dials goes through here.
"""
