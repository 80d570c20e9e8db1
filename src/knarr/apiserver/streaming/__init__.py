"""Requests that the API server passes on to a kubelet, a Pod or a Service: log, exec, attach, portforward, proxy.

Bytes go through untouched; nothing here understands SPDY.
"""
