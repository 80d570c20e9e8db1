"""The command line: one file per command; table.py lists them."""
