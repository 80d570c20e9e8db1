"""The CEL of authentication: over the claims of a token, and over the user that they have made."""

from __future__ import annotations

from functools import lru_cache

from knarr.api.expressions import USER, compiled_in
from knarr.machinery.cel import BOOL, DYN, STRING, Environment, Program, map_of

_CLAIMS = Environment({"claims": map_of(STRING, DYN)})
_USER = Environment({"user": USER})


@lru_cache(maxsize=512)
def of_claims(text: str) -> Program:
    """An expression over `claims`, whatever it evaluates to. Raises ExpressionError."""
    return compiled_in(_CLAIMS, text, ())


@lru_cache(maxsize=512)
def claims_condition(text: str) -> Program:
    """One that is true or false. Raises ExpressionError."""
    return compiled_in(_CLAIMS, text, (BOOL,))


@lru_cache(maxsize=512)
def user_condition(text: str) -> Program:
    """One over `user`. Raises ExpressionError."""
    return compiled_in(_USER, text, (BOOL,))
