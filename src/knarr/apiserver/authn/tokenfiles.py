"""Tokens from a file: lines of `token,user,uid,"group1,group2"`, read once.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from knarr.apiserver.authn.bearers import Identified
from knarr.apiserver.authn.users import User

log = logging.getLogger(__name__)


class FileTokens:
    """Tokens and whose they are; they are good for our own audiences."""

    def __init__(self, users: Mapping[str, User], audiences: Sequence[str]) -> None:
        self._users = users
        self._audiences = audiences

    async def authenticate(self, token: str, audiences: Sequence[str]) -> Identified | None:
        user = self._users.get(token)
        good_for = [audience for audience in audiences if audience in self._audiences] if user else ()
        return Identified(user, good_for) if user and good_for else None


def read_tokens(file: Path) -> dict[str, User]:
    """Whose the tokens of a file are. Raises OSError, and ValueError where the file is not as it should be."""
    users: dict[str, User] = {}
    with file.open(newline="", encoding="utf-8") as text:
        try:
            records = [record for record in csv.reader(text, strict=True) if record]
        except csv.Error as error:
            raise ValueError(f"token file '{file}': {error}") from None
    for number, record in enumerate(records, 1):
        if len(record) < 3:
            columns = "3 columns (token, user name, user uid)"
            raise ValueError(f"token file '{file}' must have at least {columns}, found {len(record)}")
        token, name, uid, *groups = record
        if not token or token in users:
            what = "duplicate" if token else "empty"
            log.warning("%s token has been found in token file '%s', record number '%d'", what, file, number)
        if token:
            users[token] = User(name, uid, tuple(groups[0].split(",")) if groups else ())
    return users
