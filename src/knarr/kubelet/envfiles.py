"""Files of environment variables that init containers leave in a volume (KEP-3721): lines of `NAME='value'`.

A subset of the shell's language: values are in single quotes, taken as they are, line ends included. Source:
https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-via-file/#env-file-syntax
"""

from __future__ import annotations

import re

from knarr.kubelet.interfaces import ConfigError

_LINE = re.compile(r"[ \t]*(?:#[^\n]*|([^\s='#][^\s=']*)[ \t]*=[ \t]*'([^']*)'[ \t]*)?(?:\n|\Z)")


def parse_env_file(text: str) -> dict[str, str]:
    """The variables by name; of a name given twice the last counts. Raises ConfigError."""
    values, position = {}, 0
    while position < len(text):
        line = _LINE.match(text, position)
        if line is None:
            number = text.count("\n", 0, position) + 1
            raise ConfigError(f"invalid environment variable file: line {number} is not of the form NAME='value'")
        if line[1]:
            values[line[1]] = line[2]
        position = line.end()
    return values
