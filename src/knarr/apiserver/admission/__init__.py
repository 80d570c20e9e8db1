"""Built-in admission, one file per plugin; table.py lists them in upstream's order.

A plugin sees one write before it is validated, may change the object, and refuses by raising an APIError.
"""
