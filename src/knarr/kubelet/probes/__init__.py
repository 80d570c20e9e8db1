"""Startup, readiness and liveness of containers. One file for each way to ask; table.py lists them.

The checks decide nothing but what one answer means; counting, gating and timing are prober.py's.
"""
