"""The Store protocol, its implementations, and the watch cache in front of them.

Knows keys, bytes and revisions; must not know kinds, HTTP or identities.
"""
