"""Volume sources, one file each; table.py lists them."""
