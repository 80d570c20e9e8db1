"""May this user do this: authorizers that allow, deny or have no opinion.

Sees a user and a RequestInfo, never a body or an object.
"""
