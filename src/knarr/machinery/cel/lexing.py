"""Source text to tokens. Grammar: https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from knarr.machinery.cel.types import BOOL, BYTES, DOUBLE, INT, NULL, STRING, UINT, CelType
from knarr.machinery.cel.values import LARGEST_INT, LARGEST_UINT, UInt

_TOKEN = re.compile(
    r"""
    (?P<space>(?:[ \t\r\n\f]+|//[^\n]*)+)
    | (?P<float>(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?))
    | (?P<int>(?:0x[0-9a-fA-F]+|\d+)[uU]?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<op>==|!=|<=|>=|&&|\|\||[-+*/%!<>?:.,()\[\]{}])
    """,
    re.VERBOSE,
)
_OPENING = re.compile(r"(?P<prefix>[rR][bB]|[bB][rR]|[rR]|[bB]|)(?P<quote>\"\"\"|'''|\"|')")
_SIMPLE = dict(zip("abfnrtv\\'\"`?", "\a\b\f\n\r\t\v\\'\"`?", strict=True))
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\'\"`?])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.?))", re.DOTALL
)
_LONGEST = 4000  # digits that Python reads
_WORDS = {"true": (True, BOOL), "false": (False, BOOL), "null": (None, NULL)}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is "name", "literal", "end" or the operator itself; a literal has a value and its type."""

    kind: str
    text: str
    position: int
    value: Any = None
    type: CelType = NULL


class LexicalError(ValueError):
    """Text that is no token, at this offset."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


def tokens(source: str) -> list[Token]:
    """The tokens, "end" last. Raises LexicalError."""
    found: list[Token] = []
    at = 0
    while at < len(source):
        if opening := _OPENING.match(source, at):
            text, at = _text(source, at, opening)
            found.append(text)
        elif match := _TOKEN.match(source, at):
            found += filter(None, [_token(match)])
            at = match.end()
        else:
            raise LexicalError(at, f"Syntax error: token recognition error at: '{source[at]}'")
    return [*found, Token("end", "<EOF>", len(source))]


def _token(match: re.Match[str]) -> Token | None:
    text, at = match[0], match.start()
    match match.lastgroup:
        case "space":
            return None
        case "float":
            if math.isinf(float(text)):
                raise LexicalError(at, "invalid double literal")
            return Token("literal", text, at, float(text), DOUBLE)
        case "int":
            return _integer(text, at)
        case "word" if text in _WORDS:
            return Token("literal", text, at, *_WORDS[text])
        case "word" if text == "in":
            return Token("in", text, at)
        case "word":
            return Token("name", text, at)
    return Token(text, text, at)


def _integer(text: str, at: int) -> Token:
    unsigned = text[-1] in "uU"
    digits = text[:-1] if unsigned else text
    hexadecimal = digits.startswith("0x")
    number = int(digits, 16 if hexadecimal else 10) if len(digits) < _LONGEST else LARGEST_UINT + 1
    if unsigned:
        if number > LARGEST_UINT:
            raise LexicalError(at, "invalid uint literal")
        return Token("literal", text, at, UInt(number), UINT)
    if number > LARGEST_INT + 1:  # the smallest int is a literal after a minus
        raise LexicalError(at, "invalid int literal")
    return Token("literal", text, at, number, INT)


def _text(source: str, at: int, opening: re.Match[str]) -> tuple[Token, int]:
    prefix, quote = opening["prefix"].lower(), opening["quote"]
    raw, end = "r" in prefix, opening.end()
    while not source.startswith(quote, end):
        if end >= len(source) or (len(quote) == 1 and source[end] in "\r\n"):
            raise LexicalError(at, f"Syntax error: token recognition error at: '{source[at:end]}'")
        end += 2 if source[end] == "\\" and not raw else 1
    body, after = source[opening.end() : end], end + len(quote)
    if "b" in prefix:
        return Token("literal", source[at:after], at, body.encode() if raw else _bytes(body, at), BYTES), after
    return Token("literal", source[at:after], at, body if raw else _unescape(body, at), STRING), after


def _unescape(body: str, at: int) -> str:
    return _ESCAPE.sub(lambda match: _character(match, at), body) if "\\" in body else body


def _bytes(body: str, at: int) -> bytes:
    r"""In bytes, `\x` and octal escapes are bytes, everything else is its UTF-8."""
    parts, last = [], 0
    for match in _ESCAPE.finditer(body):
        parts.append(body[last : match.start()].encode())
        code = match[2] or match[5]
        is_byte = code is not None
        parts.append(bytes([int(code, 16 if match[2] else 8)]) if is_byte else _character(match, at).encode())
        last = match.end()
    return b"".join((*parts, body[last:].encode()))


def _character(match: re.Match[str], at: int) -> str:
    simple, *codes, octal, bad = match.groups()
    if simple:
        return _SIMPLE[simple]
    if bad is not None:
        raise LexicalError(at, "Syntax error: invalid escape sequence")
    code = int(octal, 8) if octal else int(next(c for c in codes if c), 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise LexicalError(at, "invalid unicode code point")
    return chr(code)
