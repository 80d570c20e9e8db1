"""The node agent: pod state machine, probes, images, volumes, the node's HTTPS server.

Drives containers through cri/ only; touches only containers that it made.
"""
