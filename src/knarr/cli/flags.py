"""What parts are told by flags, as upstream names them: declared and read as their subjects say (cluster/flags)."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from knarr.cli.parts import Choices
from knarr.cli.reading import seconds, truth

if TYPE_CHECKING:
    from knarr.cluster.config import Config
    from knarr.cluster.flags.notation import Flag, Flags


@dataclass(frozen=True, slots=True)
class Told:
    """A part that is told things by flags: what --help calls it, and the configuration's field that keeps them."""

    part: str
    field: str

    def subjects(self) -> Mapping[str, type[Flags]]:
        """What the flags are about."""
        from knarr.cluster.flags.table import PARTS

        return PARTS[self.field].subjects()

    def declare(self, parser: ArgumentParser) -> None:
        """A group of flags for each subject."""
        from knarr.cluster.flags.notation import flags_of

        for subject, flags in self.subjects().items():
            group = parser.add_argument_group(f"{subject} flags of the {self.part}, as upstream's")
            for flag in flags_of(flags):
                group.add_argument(flag.name, help=flag.help, default=None, **_reading(flag))

    def choose(self, config: Config, arguments: Namespace) -> Config:
        """The same configuration but for the flags that the command line has. Raises UserError where they do not fit
        together.
        """
        import msgspec

        from knarr.cluster.errors import UserError

        replace, flags = msgspec.structs.replace, getattr(config, self.field)
        for subject, struct in self.subjects().items():
            told = {name: value for name in struct.__struct_fields__ if (value := getattr(arguments, name)) is not None}
            flags = replace(flags, **{subject: replace(getattr(flags, subject), **told)})
        if said := flags.problems():
            raise UserError("; ".join(said))
        return replace(config, **{self.field: flags})


API = Told("API server", "api")
CONTROLLERS = Told("controllers", "controllers")
KUBELET = Told("kubelet", "kubelet")
TOLD = (API, CONTROLLERS, KUBELET)
API_FLAGS, CONTROLLER_FLAGS, KUBELET_FLAGS = (Choices(told.declare, told.choose) for told in TOLD)


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
