"""Audit: who asked for what, when, and what became of it, as records in a file and to a webhook.

A policy says which requests are recorded, at which stages and how fully; without one nobody comes here. What back-ends
do with events is theirs; what is true of a request is gathered in its trail, by whoever learns it.
https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""
