"""One command at a time starts or stops a cluster: two `knarr up` at once, or a `knarr down` meanwhile, take turns."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from knarr.cluster.errors import UserError


@contextmanager
def turn(run: Path) -> Iterator[None]:
    """Hold the cluster's folder of short-lived files, which is made where there is none and goes if left empty.

    Raises UserError to those who may not make it.
    """
    folder = _locked(run)
    try:
        yield
    finally:
        with suppress(OSError):  # it is in use: the cluster runs
            run.rmdir()
        os.close(folder)


def _locked(run: Path) -> int:
    while True:
        try:
            with suppress(FileExistsError):
                run.mkdir()
            folder = os.open(run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:  # removed between the two
            continue
        except OSError as error:
            raise UserError(f"{run} cannot be used: {error.strerror} (run it with sudo)") from None
        fcntl.flock(folder, fcntl.LOCK_EX)
        if _still(run, folder):
            return folder
        os.close(folder)


def _still(run: Path, folder: int) -> bool:
    """Whether the folder that we hold is the one of that name, not one that its last holder has removed."""
    try:
        return os.path.samestat(run.stat(), os.fstat(folder))
    except FileNotFoundError:
        return False
