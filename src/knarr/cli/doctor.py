"""`knarr doctor`: what the machine lacks, each with the command that mends it."""

from __future__ import annotations

from argparse import Namespace

from knarr.cli.command import Command, cluster_argument


def run(arguments: Namespace) -> int:
    from knarr.cluster.completing import complete
    from knarr.cluster.config import Config, load
    from knarr.cluster.launch import running
    from knarr.cluster.prerequisites import examine

    config = load(arguments.data_dir) or complete(Config(data=str(arguments.data_dir)))
    lacking = 0
    for finding in examine(config, running=running(config)):
        needed = not finding.prerequisite.optional
        mark = "ok" if not finding.problem else "MISSING" if needed else "optional"
        print(f"{mark:9}{finding.prerequisite.name}")
        if finding.problem:
            print(f"{'':9}{finding.problem}\n{'':9}fix: {finding.prerequisite.fix}")
            lacking += needed
    return 1 if lacking else 0


COMMAND = Command("doctor", "check what the machine must have, with the fix for each", run, cluster_argument)
