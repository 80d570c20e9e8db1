"""The controllers, one file each; table.py lists them.

A controller imports runtime and client, never a sibling.
"""
