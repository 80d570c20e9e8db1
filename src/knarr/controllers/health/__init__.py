"""What the node lifecycle controller decides by: how long a node has been silent, which taints its state calls for,
and how fast Pods may be driven off when nodes fail.

No controller is in here.
"""
