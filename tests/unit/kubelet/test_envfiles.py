"""Files of environment variables."""

from __future__ import annotations

import pytest

from knarr.kubelet.envfiles import parse_env_file
from knarr.kubelet.interfaces import ConfigError


def test_what_such_a_file_may_have() -> None:
    text = "# comment\n\nONE='1'\n  TWO = 'a # b\\n\nc=$ONE'\nONE='one'"
    assert parse_env_file(text) == {"ONE": "one", "TWO": "a # b\\n\nc=$ONE"}


@pytest.mark.parametrize("line", ["A=1", 'A="1"', "A='1''2'", "A='1'$B", "A='1", "export A='1'", "A"])
def test_what_only_a_shell_takes(line: str) -> None:
    with pytest.raises(ConfigError, match="line 2 is not of the form NAME='value'"):
        parse_env_file(f"# comment\n{line}\n")
