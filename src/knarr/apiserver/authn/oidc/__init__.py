"""Tokens of other issuers: OpenID Connect and whoever else signs JWTs, mapped to users as a file says.

configurations.py is the file, checking.py what is wrong with one, expressions.py the CEL in it; providers.py finds an
issuer's keys, mappings.py makes a user of a token's claims, tokens.py puts it together as an authenticator.
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration
"""
