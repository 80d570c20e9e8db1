"""What can be done with a resource: one file per verb or idea; table.py says which handler answers which request.

A verb gets a `Call` and returns an answer or raises an APIError. It knows trees, bytes and revisions; identities are
decided before it (authn, authz), transports after it.
"""
