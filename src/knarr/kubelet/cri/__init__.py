"""Container runtimes: the Runtime protocol and its implementation over CRI v1."""
