"""What a person is told when something cannot be done: one clear sentence with the way out, and no traceback."""


class UserError(Exception):
    """A refusal for a person to read; the command line prints it and exits with 1."""
