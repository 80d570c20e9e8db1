"""Functions of the language, one library per file; table.py lists them.

A file holds a tuple of overloads and the pure functions that they run; what these raise is CelError.
"""
