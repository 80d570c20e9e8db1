"""Who is asking: client certificates and service account tokens to a `User`.

Decides identity only; what the identity may do is authz's business.
"""
