"""Property names as identifiers of CEL.

Source: https://kubernetes.io/docs/reference/using-api/cel/#escaping
"""

from __future__ import annotations

import re

_KEYWORDS = (
    "true false null in as break const continue else for function if import let loop package namespace return var void "
    "while"
)
RESERVED = frozenset(_KEYWORDS.split())
_ACCESSIBLE = re.compile(r"[A-Za-z_./-][A-Za-z0-9_./-]*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_UNESCAPES = {escaped: text for text, escaped in _ESCAPES.items()}
_ESCAPED = re.compile("|".join(_UNESCAPES))


def escape(name: str) -> str | None:
    """The identifier for a property; None where the property cannot be reached from CEL."""
    if not _ACCESSIBLE.fullmatch(name):
        return None
    if name in RESERVED:
        return f"__{name}__"
    return re.sub(r"__|[./-]", lambda match: _ESCAPES[match[0]], name)


def unescape(identifier: str) -> str:
    """The property that an identifier means."""
    if "__" not in identifier:
        return identifier
    if identifier[2:-2] in RESERVED and identifier == f"__{identifier[2:-2]}__":
        return identifier[2:-2]
    return _ESCAPED.sub(lambda match: _UNESCAPES[match[0]], identifier)


def is_identifier(name: str) -> bool:
    return bool(_IDENTIFIER.fullmatch(name)) and name not in RESERVED
