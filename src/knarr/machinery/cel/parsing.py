"""Tokens to a syntax tree, by precedence climbing; macros become comprehensions here.

Grammar: https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax. The wording of syntax errors is that of
cel-go's generated parser, as far as one token decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn, TypeVar

from knarr.machinery.cel.errors import CompileError, Issue
from knarr.machinery.cel.lexing import LexicalError, Token, tokens
from knarr.machinery.cel.names import RESERVED
from knarr.machinery.cel.nodes import (
    Call,
    Comprehension,
    Entry,
    Ident,
    Item,
    ListOf,
    Literal,
    MapOf,
    Node,
    Select,
    Struct,
    qualified,
)
from knarr.machinery.cel.types import DOUBLE, INT, STRING
from knarr.machinery.cel.values import LARGEST_INT

_T = TypeVar("_T")

RECURSION_LIMIT = 250  # cel-go's
_PRECEDENCE = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%"), 5),
}
_LOGICAL = ("||", "&&")
_BEGINNINGS = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)
# Macros by name: how many variables, and how many expressions after them.
_MACROS: dict[str, frozenset[tuple[int, int]]] = {
    "all": frozenset({(1, 1), (2, 1)}),
    "exists": frozenset({(1, 1), (2, 1)}),
    "exists_one": frozenset({(1, 1)}),
    "existsOne": frozenset({(1, 1), (2, 1)}),
    "filter": frozenset({(1, 1)}),
    "map": frozenset({(1, 1), (1, 2)}),
    "transformList": frozenset({(2, 1), (2, 2)}),
    "transformMap": frozenset({(2, 1), (2, 2)}),
    "transformMapEntry": frozenset({(2, 1), (2, 2)}),
}


def parse(source: str, *, bindings: bool = False) -> Node:
    """The tree of an expression; `bindings` says that there is cel.bind(). Raises CompileError."""
    try:
        return _Parser(source, bindings).whole()
    except LexicalError as error:
        raise CompileError(source, [issue_at(source, error.position, str(error))]) from None


def issue_at(source: str, position: int, message: str) -> Issue:
    """What is wrong at an offset of the source."""
    before = source[:position]
    return Issue(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1, message)


class _Parser:
    def __init__(self, source: str, bindings: bool) -> None:
        self._source, self._tokens, self._at, self._depth = source, tokens(source), 0, 0
        self._bindings = bindings

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def whole(self) -> Node:
        node = self._expression()
        if self._next.kind != "end":
            self._fail(f"Syntax error: mismatched input '{self._next.text}' expecting <EOF>")
        return node

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _taken(self, kind: str) -> Token | None:
        return self._take() if self._next.kind == kind else None

    def _expect(self, kind: str, wanted: str) -> Token:
        token = self._taken(kind)
        if token is None:
            self._fail(f"Syntax error: mismatched input '{self._next.text}' expecting {wanted}")
        return token

    def _fail(self, message: str, position: int | None = None) -> NoReturn:
        at = self._next.position if position is None else position
        raise CompileError(self._source, [issue_at(self._source, at, message)])

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > RECURSION_LIMIT:
            self._fail(f"expression recursion limit exceeded: {RECURSION_LIMIT}")
        node = self._binary(1)
        if question := self._taken("?"):
            yes = self._binary(1)
            self._expect(":", "':'")
            node = Call("_?_:_", None, [node, yes, self._expression()], position=question.position)
        self._depth -= 1
        return node

    def _binary(self, lowest: int) -> Node:
        left = self._unary()
        while (precedence := _PRECEDENCE.get(self._next.kind, 0)) >= lowest:
            operator = self._take()
            if operator.kind in _LOGICAL:
                left = self._chain(operator, left, precedence)
                continue
            right = self._binary(precedence + 1)
            name = "@in" if operator.kind == "in" else f"_{operator.kind}_"
            left = Call(name, None, [left, right], position=operator.position)
        return left

    def _chain(self, operator: Token, first: Node, precedence: int) -> Node:
        """`a && b && c` as a balanced tree, so that long chains stay shallow."""
        terms, positions = [first, self._binary(precedence + 1)], [operator.position]
        while again := self._taken(operator.kind):
            positions.append(again.position)
            terms.append(self._binary(precedence + 1))
        return _balanced(f"_{operator.kind}_", terms, positions)

    def _unary(self) -> Node:
        """Signs and negations; pairs of them cancel out, and a minus belongs to its number."""
        operator = self._taken("!") or self._taken("-")
        if operator is None:
            return self._member()
        count = 1
        while self._taken(operator.kind):
            count += 1
        if operator.kind == "-" and self._next.type in (INT, DOUBLE):
            number = self._next
            self._tokens[self._at] = replace(number, value=-number.value)
            count -= 1
        node = self._member()
        name = "!_" if operator.kind == "!" else "-_"
        return Call(name, None, [node], position=operator.position) if count % 2 else node

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if dot := self._taken("."):
                node = self._selection(node, dot)
            elif bracket := self._taken("["):
                name = "_[?_]" if self._taken("?") else "_[_]"
                node = Call(name, None, [node, self._expression()], position=bracket.position)
                self._expect("]", "']'")
            elif self._next.kind == "{" and (name := qualified(node) or ""):
                node = self._struct(name)
            else:
                return node

    def _selection(self, target: Node, dot: Token) -> Node:
        optional = self._taken("?") is not None
        name = self._expect("name", "IDENTIFIER").text
        parenthesis = None if optional else self._taken("(")
        if parenthesis is None:
            return Select(target, name, optional=optional, position=dot.position)
        args = self._separated(")", self._expression)
        macro = self._macro(target, name, args, parenthesis.position)
        return macro or Call(name, target, args, position=parenthesis.position)

    def _primary(self) -> Node:
        token = self._next
        match token.kind:
            case "(":
                self._take()
                node = self._expression()
                self._expect(")", "')'")
                return node
            case "[":
                self._take()
                return ListOf(self._separated("]", self._item), position=token.position)
            case "{":
                self._take()
                return MapOf(self._separated("}", self._entry), position=token.position)
            case "literal":
                return self._literal(self._take())
            case "name" | ".":
                return self._identifier()
            case _:
                return self._fail(f"Syntax error: mismatched input '{token.text}' expecting {_BEGINNINGS}")

    def _literal(self, token: Token) -> Node:
        if token.type == INT and token.value > LARGEST_INT:
            self._fail("invalid int literal", token.position)
        return Literal(token.value, position=token.position, type=token.type)

    def _identifier(self) -> Node:
        self._taken(".")
        name = self._expect("name", "IDENTIFIER")
        if name.text in RESERVED:
            self._fail(f"reserved identifier: {name.text}", name.position)
        parenthesis = self._taken("(")
        if parenthesis is None:
            return Ident(name.text, position=name.position)
        args = self._separated(")", self._expression)
        if name.text == "has" and len(args) == 1:
            return self._presence(args[0], parenthesis.position)
        return Call(name.text, None, args, position=parenthesis.position)

    def _presence(self, node: Node, position: int) -> Node:
        if not isinstance(node, Select) or node.test:
            self._fail("invalid argument to has() macro", node.position)
        return Select(node.operand, node.field, test=True, position=position)

    def _macro(self, over: Node, name: str, args: list[Node], position: int) -> Node | None:
        """The comprehension that this call is, if it is one."""
        if name in ("optMap", "optFlatMap") and len(args) == 2:
            return Comprehension(name, over, (self._variable(args[0]),), args[1:], position=position)
        if name == "bind" and len(args) == 3 and self._bindings and isinstance(over, Ident) and over.name == "cel":
            return Comprehension(name, args[1], (self._variable(args[0]),), args[2:], position=position)
        shapes = _MACROS.get(name, frozenset())
        fitting = [names for names, parts in shapes if names + parts == len(args)]
        if not fitting:
            return None
        # `map(x, filter, transform)` and `all(k, v, predicate)` never share a name, so the count decides.
        names = tuple(self._variable(arg) for arg in args[: fitting[0]])
        if len(set(names)) < len(names):
            self._fail(f"overlapping declaration name: {names[0]}", args[1].position)
        kind = "exists_one" if name == "existsOne" else name
        return Comprehension(kind, over, names, args[len(names) :], position=position)

    def _variable(self, node: Node) -> str:
        if not isinstance(node, Ident):
            self._fail("argument must be a simple name", node.position)
        return node.name

    def _separated(self, closing: str, read: Callable[[], _T]) -> list[_T]:
        """What stands between commas up to the closing bracket; one comma may be left over in lists and maps."""
        found: list[_T] = []
        while not self._taken(closing):
            if found:
                self._expect(",", f"{{',', '{closing}'}}")
                if closing != ")" and self._taken(closing):
                    break
            found.append(read())
        return found

    def _item(self) -> Item:
        optional = self._taken("?") is not None
        return Item(self._expression(), optional)

    def _entry(self) -> Entry:
        optional = self._taken("?") is not None
        key = self._expression()
        colon = self._expect(":", "':'")
        return Entry(colon.position, key, self._expression(), optional)

    def _struct(self, name: str) -> Node:
        brace = self._take()
        return Struct(name, self._separated("}", self._field), position=brace.position)

    def _field(self) -> Entry:
        optional = self._taken("?") is not None
        name = self._expect("name", "IDENTIFIER")
        colon = self._expect(":", "':'")
        key = Literal(name.text, position=name.position, type=STRING)
        return Entry(colon.position, key, self._expression(), optional)


def _balanced(function: str, terms: list[Node], positions: list[int]) -> Node:
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    left = _balanced(function, terms[:middle], positions[: middle - 1])
    right = _balanced(function, terms[middle:], positions[middle:])
    return Call(function, None, [left, right], position=positions[middle - 1])
