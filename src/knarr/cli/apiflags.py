"""The API server's flags, as upstream names them: declared and read as their subjects say (cluster/flags)."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from knarr.cli.parts import Choices
from knarr.cli.reading import seconds, truth

if TYPE_CHECKING:
    from knarr.cluster.config import Config
    from knarr.cluster.flags.notation import Flag
    from knarr.cluster.flags.table import APIFlags


def declare(parser: ArgumentParser) -> None:
    """A group of flags for each subject."""
    from knarr.cluster.flags.notation import flags_of
    from knarr.cluster.flags.table import SUBJECTS

    for subject, flags in SUBJECTS.items():
        group = parser.add_argument_group(f"{subject} flags of the API server, as upstream's")
        for flag in flags_of(flags):
            group.add_argument(flag.name, help=flag.help, default=None, **_reading(flag))


def given(arguments: Namespace, flags: APIFlags) -> APIFlags:
    """The same flags but for those that the command line has. Raises UserError where they do not fit together."""
    import msgspec

    from knarr.cluster.errors import UserError
    from knarr.cluster.flags.table import SUBJECTS

    for subject, struct in SUBJECTS.items():
        told = {name: value for name in struct.__struct_fields__ if (value := getattr(arguments, name)) is not None}
        flags = msgspec.structs.replace(flags, **{subject: msgspec.structs.replace(getattr(flags, subject), **told)})
    if said := flags.problems():
        raise UserError("; ".join(said))
    return flags


def _reading(flag: Flag) -> dict[str, Any]:
    """How argparse reads a value of the flag's type."""
    from knarr.cluster.flags.notation import File, Number

    if flag.type is bool:
        return {"nargs": "?", "const": True, "type": truth, "metavar": "true|false"}
    if flag.type is float:
        return {"type": seconds, "metavar": "DURATION"}
    if flag.type is Number:
        return {"type": float, "metavar": "N"}
    if flag.type is int:
        return {"type": int, "metavar": "N"}
    if flag.type is File:
        return {"type": _absolute, "metavar": "FILE"}
    if flag.type is str:
        return {"metavar": "TEXT"}
    if File in get_args(flag.type):
        return {"type": lambda text: tuple(map(_absolute, _parts(text))), "metavar": "FILE,...", "action": _Several}
    return {"type": _parts, "metavar": "A,B,...", "action": _Several}


def _absolute(path: str) -> str:
    return path if path in ("", "-") else str(Path(path).absolute())


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


class _Several(Action):
    """A flag that may be given again, each time with one value or more."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option: str | None = None) -> None:
        setattr(namespace, self.dest, (*(getattr(namespace, self.dest) or ()), *values))


def _choose(config: Config, arguments: Namespace) -> Config:
    import msgspec

    return msgspec.structs.replace(config, api=given(arguments, config.api))


API_FLAGS = Choices(declare, _choose)
