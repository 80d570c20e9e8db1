"""The scheduler's plugins, one file each; scheduler/table.py lists them in their order."""
