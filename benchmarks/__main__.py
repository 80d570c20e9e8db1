"""Every figure of docs/performance.md, in less than five minutes: `make bench`, or python -m benchmarks [NAME ...]."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import api, audit, authorization, custom, idle, launch, pods

BENCHMARKS: dict[str, Callable[[], object]] = {
    "launch": launch.main,
    "idle": idle.main,
    "pods": pods.main,
    "api": api.main,
    "authorization": authorization.main,
    "audit": audit.main,
    "custom": custom.main,
}


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise SystemExit(f"there is no {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()
        print(flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
