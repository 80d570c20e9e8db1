"""Who is asking: front proxies' headers, client certificates and bearer tokens to a `User`.

Decides identity only; what the identity may do, acting as somebody else included, is authz's business.
"""
