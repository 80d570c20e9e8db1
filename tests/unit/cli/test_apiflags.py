"""The API server's flags are those that their subjects declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from knarr.cli.apiflags import API_FLAGS
from knarr.cli.parsing import parse
from knarr.cli.parts import configured
from knarr.cluster.config import Config, save
from knarr.cluster.flags.notation import flags_of
from knarr.cluster.flags.table import SUBJECTS, APIFlags


def told(data: Path, *flags: str) -> APIFlags:
    save(Config(data=str(data)))
    return configured(parse(["apiserver", "--data-dir", str(data), *flags]), [API_FLAGS]).api


def test_files_are_kept_as_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert told(tmp_path, "--client-ca-file", "ca.crt").serving.client_ca_file == str(tmp_path / "ca.crt")


def test_what_is_not_told_is_the_default(tmp_path: Path) -> None:
    assert told(tmp_path) == APIFlags()


def test_every_flag_says_what_it_is_and_is_of_one_subject() -> None:
    flags = [flag for subject in SUBJECTS.values() for flag in flags_of(subject)]
    assert all(flag.help for flag in flags)
    assert len({flag.name for flag in flags}) == len(flags)
