"""The kinds: one declarative file per resource, and the functions compiled from their schemas.

No I/O besides reading the schema cache; nothing here knows of HTTP, of storage or of who asks.
"""
