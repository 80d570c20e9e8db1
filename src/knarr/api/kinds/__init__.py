"""The kinds, one file per resource; table.py lists them in the order of discovery."""
