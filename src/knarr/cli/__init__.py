"""The command line: one file per command; table.py lists them."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `knarr` with these arguments (default: the process's); returns the exit code."""
    from knarr.cli.parsing import parse
    from knarr.cluster.errors import UserError

    parsed = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        return int(parsed.run(parsed))
    except UserError as error:
        sys.stderr.write(f"knarr: {error}\n")
        return 1
    except KeyboardInterrupt:
        return _die_interrupted()
    except BrokenPipeError:  # somebody's `| head` has seen enough
        sys.stderr.close()
        return 141


def _die_interrupted() -> int:
    """End by SIGINT itself, which tells a calling shell to stop too: https://www.cons.org/cracauer/sigint.html.

    Exiting with 130 does not do: CPython dies of the signal anyway if it came while some string was evaluated.
    """
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.raise_signal(signal.SIGINT)
    return 130  # where the signal is blocked
