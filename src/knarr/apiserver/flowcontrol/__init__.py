"""API priority and fairness: which requests are served at once, which wait for their turn, which are turned away.

What is decided is decided purely (sorting, sharding, queueing, shares); `control.py` ties it to the server.
https://kubernetes.io/docs/concepts/cluster-administration/flow-control/ ; KEP-1040.
"""
