"""The file of static tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from knarr.apiserver.authn.bearers import Identified
from knarr.apiserver.authn.tokenfiles import FileTokens, read_tokens
from knarr.apiserver.authn.users import User


def written(directory: Path, text: str) -> Path:
    file = directory / "tokens.csv"
    file.write_text(text)
    return file


def test_a_line_is_a_token(tmp_path: Path) -> None:
    text = 'a,ann,1\n\nb,"bob, jr",2,"team,system:masters"\n,nobody,3\na,anna,4,x,ignored\n'
    assert read_tokens(written(tmp_path, text)) == {
        "a": User("anna", "4", ("x",)),
        "b": User("bob, jr", "2", ("team", "system:masters")),
    }


def test_a_line_that_is_too_short_is_an_error(tmp_path: Path) -> None:
    file = written(tmp_path, "a,ann,1\nb,bob\n")
    said = f"token file '{file}' must have at least 3 columns \\(token, user name, user uid\\), found 2"
    with pytest.raises(ValueError, match=said):
        read_tokens(file)


async def test_a_static_token_is_for_the_server_alone() -> None:
    ann, tokens = User("ann"), FileTokens({"a": User("ann")}, ["us", "too"])
    assert await tokens.authenticate("a", ["them", "us"]) == Identified(ann, ["us"])
    assert await tokens.authenticate("a", ["them"]) is None
    assert await tokens.authenticate("b", ["us"]) is None
