"""What expressions evaluate to, and in which words they fail."""

from __future__ import annotations

from typing import Any

import pytest

from knarr.machinery.cel import (
    BOOL,
    DYN,
    INT,
    STRING,
    Authorizer,
    Budget,
    CelError,
    CelType,
    CompileError,
    CostError,
    Decision,
    Environment,
    Program,
    list_of,
    type_of_schema,
)
from knarr.machinery.laborious import LaboriousError

SELF = {
    "type": "object",
    "properties": {
        "x-y": {"type": "integer"},
        "namespace": {"type": "string"},
        "when": {"type": "string", "format": "date-time"},
        "ttl": {"type": "string", "format": "duration"},
        "data": {"type": "string", "format": "byte"},
        "port": {"x-kubernetes-int-or-string": True},
        "weights": {"type": "object", "additionalProperties": {"type": "number"}},
        "set": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "steps": {
            "type": "array",
            "items": {"type": "object", "properties": {"name": {"type": "string"}, "at": {"type": "integer"}}},
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    },
}
TREE = {
    "x-y": 4,
    "namespace": "n",
    "when": "2020-01-01T00:00:00Z",
    "ttl": "1h30m",
    "data": "aGk=",
    "port": "80%",
    "weights": {"a": 1},
    "set": ["a", "b"],
    "steps": [{"name": "one", "at": 1}, {"name": "two", "at": 2}],
}
ENVIRONMENT = Environment({"n": INT, "s": STRING, "object": DYN, "self": type_of_schema(SELF) or DYN})
BINDINGS: dict[str, Any] = {
    "n": 3,
    "s": "hello",
    "object": {"spec": {"replicas": 3, "items": [1, 2, 3], "none": None}},
    "self": TREE,
}


def compiled(text: str) -> Program:
    return ENVIRONMENT.compile(text)


@pytest.mark.parametrize(
    "text",
    [
        "1 + 2 * 3 == 7",
        "-7 / 2 == -3 && -7 % 2 == -1 && 7 / -2 == -3",
        "1.0 / 0.0 > 1e300",
        "1 < 1.5 && 2u > 1 && 1.0 <= 1u",
        "dyn(1) == 1.0 && dyn(1u) == 1",
        "dyn(1) != dyn('1') && dyn(true) != dyn(1)",
        "[1, 2] + [3] == [1, 2, 3]",
        "{'a': 1, 'b': 2} == {'b': 2, 'a': 1}",
        r"r'\d' == '\\d' && '\u0041\x42\103' == 'ABC'",
        "b'a\\xff' != b'a' && bytes('é').size() == 2 && 'é'.size() == 1",
        "'''it's \"here\"''' == 'it\\'s \"here\"'",
        "n > 2 ? s == 'hello' : object.nothing",
        "n > 2 || object.nothing",
        "object.nothing || n > 2",
        "!(n < 2 && object.nothing)",
        "has(object.spec) && !has(object.spec.nothing) && has(object.spec.none)",
        "object.spec.none == null",
        "'spec' in object && 2 in object.spec.items",
        "object.spec.items.all(i, i > 0) && object.spec.items.exists(i, i == 3)",
        "[1, 0].exists(i, 1 / i == 1)",
        "![1, 0].all(i, 1 / i == 2)",
        "object.spec.items.exists_one(i, i > 2)",
        "object.spec.items.map(i, i > 1, i * 2) == [4, 6]",
        "object.spec.items.filter(i, i > 1) == [2, 3]",
        "{'a': 1}.all(k, k == 'a') && {'a': 1}.all(k, v, k == 'a' && v == 1)",
        "[5, 6].exists(i, v, i == 1 && v == 6) && [5].existsOne(i, v, v == 5)",
        "[5, 6].transformList(i, v, i > 0, v + i) == [7]",
        "{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}",
        "{'a': 'b'}.transformMapEntry(k, v, {v: k}) == {'b': 'a'}",
        "[[1, 2], [3]].map(x, x.map(y, y + 1)) == [[2, 3], [4]]",
        "object.?spec.?nothing.orValue(3) == 3 && object.?spec.?replicas.hasValue()",
        "object.spec.items[?7].orValue(0) == 0 && object[?'spec'].hasValue()",
        "optional.of(1).optMap(x, x + 1).value() == 2",
        "optional.none().or(optional.of(1)).value() == 1 && !optional.ofNonZeroValue('').hasValue()",
        "optional.of(2).optFlatMap(x, optional.none()).orValue(5) == 5",
        "[?optional.of(1), ?optional.none()] == [1] && {?'a': optional.none()} == {}",
        "type(n) == int && type(object.spec) == map && type(1.0) == double && type(type(1)) == type",
        "type(self.port) == string ? self.port == '80%' : self.port == 80",
        "self.x__dash__y == 4 && self.__namespace__ == 'n'",
        "self.when + self.ttl == timestamp('2020-01-01T01:30:00Z')",
        "self.data == b'hi'",
        "self.weights.a == 1.0 && self.weights.all(k, self.weights[k] > 0.5)",
        "self.set == ['b', 'a'] && self.set + ['b', 'c'] == ['c', 'b', 'a']",
        "(self.steps + [self.steps[1]]).map(s, s.at) == [1, 2]",
        "int('12') + int(2.9) == 14 && uint(3) == 3u && double('1.5') == 1.5",
        "string(1.0) + string(1u) + string(true) + string(b'x') == '11truex'",
        "string(duration('90m')) == '5400s' && string(timestamp('2020-01-01T00:00:00.5Z')) == '2020-01-01T00:00:00.5Z'",
        "timestamp('2021-03-04T05:06:07Z').getMonth() == 2 && timestamp('2021-03-04T05:06:07Z').getDayOfWeek() == 4",
        "timestamp('2021-03-04T05:06:07Z').getHours('America/New_York') == 0",
        "timestamp('2021-03-04T05:06:07Z').getHours('+02:00') == 7",
        "duration('1h30m').getMinutes() == 90 && duration('-1.5s').getMilliseconds() == -1500",
        "timestamp(0) < timestamp(1) && int(timestamp('1970-01-01T00:00:10Z')) == 10",
        "bool('true') && !bool('f')",
        "(((((1))))) == 1 // the rest of the line is a comment",
        "google.protobuf.Timestamp == type(self.when)",
        " || ".join(["n == 0"] * 500) + " || true",
    ],
)
def test_true(text: str) -> None:
    program = compiled(text)
    assert program.type in (BOOL, DYN)
    assert program.evaluate(BINDINGS) is True


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("object.nothing == 1", "no such key: nothing"),
        ("object.spec.none.x == 1", "no such key: x"),
        ("object.spec.replicas.x == 1", "no such overload"),
        ("object.spec.items[3] == 1", "index out of bounds: 3"),
        ("{'a': 1}['b'] == 1", "no such key: b"),
        ("{'a': 1, 'a': 2} == {}", "insert failed: key a already exists"),
        ("1 / 0 == 1", "division by zero"),
        ("1 % 0 == 1", "modulus by zero"),
        ("9223372036854775807 + n > 0", "integer overflow"),
        ("0u - 1u == 0u", "unsigned integer overflow"),
        ("object.spec.replicas + 'a' == ''", "no such overload"),
        ("object.spec.replicas && true", "no such overload"),
        ("int('x') == 1", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("optional.none().value() == 1", "optional.none() dereference"),
        ("duration(s + '1x') == duration('1s')", 'time: invalid duration "hello1x"'),
        ("[1, 0].all(i, 1 / i == 1)", "division by zero"),
    ],
)
def test_failing(text: str, why: str) -> None:
    with pytest.raises(CelError) as failed:
        compiled(text).evaluate(BINDINGS)
    assert str(failed.value) == why


BEGINNINGS = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("x + 1", 1, 1, "undeclared reference to 'x' (in container '')"),
        ("n +\n  x", 2, 3, "undeclared reference to 'x' (in container '')"),
        ("n + 'a'", 1, 3, "found no matching overload for '_+_' applied to '(int, string)'"),
        ("1 == 1.0", 1, 3, "found no matching overload for '_==_' applied to '(int, double)'"),
        ("n.startsWith('a')", 1, 13, "found no matching overload for 'startsWith' applied to 'int.(string)'"),
        ("!n", 1, 1, "found no matching overload for '!_' applied to '(int)'"),
        ("f(n)", 1, 2, "undeclared reference to 'f' (in container '')"),
        ("self.nope", 1, 5, "undefined field 'nope'"),
        ("has(self.nope)", 1, 4, "undefined field 'nope'"),
        ("self.steps[0].nope", 1, 14, "undefined field 'nope'"),
        ("n.x", 1, 2, "type 'int' does not support field selection"),
        ("[1, 'a']", 1, 5, "expected type 'int' but found 'string'"),
        (
            "n.all(x, true)",
            1,
            1,
            "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
        ),
        ("[1].all(x, x)", 1, 8, "found no matching overload for '_&&_' applied to '(bool, int)'"),
        ("[1].all(x.y, true)", 1, 10, "argument must be a simple name"),
        ("has(n)", 1, 5, "invalid argument to has() macro"),
        ("1 +", 1, 4, f"Syntax error: mismatched input '<EOF>' expecting {BEGINNINGS}"),
        ("1 2", 1, 3, "Syntax error: mismatched input '2' expecting <EOF>"),
        ("n = 1", 1, 3, "Syntax error: token recognition error at: '='"),
        ("'abc", 1, 1, "Syntax error: token recognition error at: ''abc'"),
        ("for", 1, 1, "reserved identifier: for"),
        ("9223372036854775808", 1, 1, "invalid int literal"),
        ("duration('1x') > duration('1s')", 1, 10, "invalid duration argument"),
        ("timestamp('soon') > timestamp(0)", 1, 11, "invalid timestamp argument"),
        ("s.matches('[')", 1, 11, "invalid matches argument"),
        ("Thing{a: 1}", 1, 6, "undeclared reference to 'Thing' (in container '')"),
    ],
)
def test_refused(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(CompileError) as refused:
        compiled(text)
    issue = refused.value.issues[0]
    assert (issue.line, issue.column, issue.message) == (line, column, message)
    shown = text.split("\n")[line - 1]
    first = f"ERROR: <input>:{line}:{column}: {message}\n | {shown}\n | {'.' * (column - 1)}^"
    assert str(refused.value).startswith(first)


def test_all_issues_are_told_in_order() -> None:
    with pytest.raises(CompileError) as refused:
        compiled("y && x")
    assert [(issue.column, issue.message[:22]) for issue in refused.value.issues] == [
        (1, "undeclared reference t"),
        (6, "undeclared reference t"),
    ]


@pytest.mark.parametrize("text", ["(" * 999 + "1" + ")" * 999, "-(" * 300 + "1" + ")" * 300, " + ".join(["n"] * 5000)])
def test_too_deep(text: str) -> None:
    with pytest.raises(CompileError, match="expression recursion limit exceeded: 250"):
        compiled(text)


def test_names_are_those_of_the_environment() -> None:
    assert compiled("[1].all(s, s > n)").names == {"n"}
    assert compiled("object.self == 1").names == {"object"}


def test_a_loop_stops_at_its_limit() -> None:
    environment = Environment({"l": list_of(INT)})
    program = environment.compile("l.all(a, l.all(b, l.all(c, true)))")
    with pytest.raises(CostError, match="actual cost limit exceeded"):
        program.evaluate({"l": list(range(200))})


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("n == 3 ? true : n + n + n + n == 0", 2),
        ("n == 4 ? true : n + n + n + n == 0", 10),
        ("n == 4 && n + n + n + n == 0", 2),
        ("n == 3 || n + n + n + n == 0", 2),
    ],
)
def test_a_branch_costs_when_it_is_taken(text: str, cost: int) -> None:
    budget = Budget(100)
    compiled(text).evaluate(BINDINGS, budget)
    assert 100 - budget.left == cost


def test_evaluations_share_a_budget() -> None:
    budget, program = Budget(5), compiled("n + 1 == 4")
    program.evaluate(BINDINGS, budget)
    assert budget.left == 2
    with pytest.raises(CostError):
        program.evaluate(BINDINGS, budget)


def test_a_regular_expression_cannot_be_an_attack() -> None:
    assert compiled("('a' + s).matches('(a+)+$')").evaluate({"s": "a" * 30000 + "b"}, limit=10**9) is False


def test_lazy_variables() -> None:
    class Lazy(dict[str, Any]):
        def __missing__(self, name: str) -> Any:
            self[name] = name.upper()
            return self[name]

    assert compiled("object.a == 'A'").evaluate({"object": Lazy()}) is True


def test_object_literals() -> None:
    types = {"Object.spec": type_of_schema({"type": "object", "properties": {"x-y": {"type": "integer"}}})}
    environment = Environment({}, types.get)
    assert environment.compile("Object.spec{x__dash__y: 3}").evaluate({}) == {"x-y": 3}
    with pytest.raises(CompileError, match="field 'x__dash__y' is 'int' but provided type is 'string'"):
        environment.compile("Object.spec{x__dash__y: 'a'}")
    with pytest.raises(CompileError, match="undefined field 'z'"):
        environment.compile("Object.spec{z: 1}")


@pytest.mark.parametrize(
    ("text", "type"),
    [
        ("n > 1 ? 'a' : object.b", "dyn"),
        ("n > 1 ? object.b : 'a'", "dyn"),
        ("[1, object.b]", "list(dyn)"),
        ("[object.b, 1]", "list(dyn)"),
        ("[[], [1]]", "list(list(int))"),
        ("{'a': [], 'b': ['c']}", "map(string, list(string))"),
        ("object.?a.orValue('x')", "dyn"),
        ("optional.none().orValue('x')", "string"),
        ("[1].map(x, [x])", "list(list(int))"),
        ("{'a': 1}.transformList(k, v, k)", "list(string)"),
        ("self.steps[0].name", "string"),
        ("self.weights['a']", "double"),
        ("self.port", "dyn"),
        ("optional.of(self.steps[?0].name)", "optional_type(optional_type(string))"),
    ],
)
def test_types(text: str, type: str) -> None:
    assert str(compiled(text).type) == type


@pytest.mark.parametrize(
    "text",
    [
        "self.when.getFullYear() == 1",
        "self.ttl > duration('1s')",
        "self.__namespace__.startsWith('a')",
        "self.set.all(s, s == 'a')",
        "self.weights.a == 1.0",
        "self.x__dash__y + 1 == 2",
        "self.data.size() == 1",
        "null.getHours() == 1",
    ],
)
def test_what_is_null_has_no_functions(text: str) -> None:
    nothing = dict.fromkeys(TREE)
    with pytest.raises(CelError, match=r"no such (overload|key: a)"):
        compiled(text).evaluate({"self": nothing})


def test_the_dearest_overload_is_charged() -> None:
    budget = Budget(1000)
    compiled("object.a + object.b == ''").evaluate({"object": {"a": "x" * 400, "b": "x" * 400}}, budget)
    assert 1000 - budget.left >= 80


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[1].map(x, s.findAll('.'))" + ".map(x, x + x)" * 30, id="lists"),
        pytest.param("('a' + s).split('').map(x, s)" + ".map(x, x + x)" * 20, id="text"),
        pytest.param("'%.999999999f'.format([1.0])", id="digits"),
        pytest.param("int(s) == 1", id="an int"),
        pytest.param("uint(s) == 1u", id="a uint"),
        pytest.param("quantity(s).sign() == 1", id="a quantity"),
        pytest.param("semver(s + '.0.0').major() == 1", id="a version"),
        pytest.param("duration(s + 's') > duration('1s')", id="a duration"),
        pytest.param("timestamp(s) > timestamp(0)", id="a time"),
    ],
)
def test_large_values_are_refused(text: str) -> None:
    with pytest.raises(CelError):
        compiled(text).evaluate({"s": "1" * 5000})


@pytest.mark.parametrize("text", ["1" * 5000, "1e999", "0x" + "f" * 5000, "1" * 5000 + "u"])
def test_large_numbers_are_no_literals(text: str) -> None:
    with pytest.raises(CompileError, match=r"invalid (int|uint|double) literal"):
        compiled(text)


def test_bindings_are_where_they_are_asked_for() -> None:
    text = "cel.bind(x, self + 1, cel.bind(y, x, x * y))"
    assert Environment({"self": INT}, bindings=True).compile(text).evaluate({"self": 2}) == 9
    with pytest.raises(CompileError, match="undeclared reference to 'cel'"):
        Environment({"self": INT}).compile(text)


def test_what_takes_long_is_begun_anew_elsewhere() -> None:
    program = Environment({"n": INT}).compile("[1, 2, 3, 4].all(x, x > n)")
    budget = Budget(1000, here=20)
    with pytest.raises(LaboriousError):
        program.evaluate({"n": 0}, budget)
    assert budget == Budget(1000, here=20)
    assert program.evaluate({"n": 0}, Budget(1000)) is True


def test_a_price_is_no_time() -> None:
    """A decision of the authorizer costs 350 000, of which an expression may have two."""
    asked = "authorizer.path('/x').check('get').allowed()"
    environment = Environment({"authorizer": CelType("kubernetes.authorization.Authorizer")})
    authorizer = Authorizer(lambda attributes: Decision(True))
    budget = Budget(10_000_000, here=100)
    assert environment.compile(f"{asked} && {asked}").evaluate({"authorizer": authorizer}, budget) is True
    assert 10_000_000 - budget.left > 700_000 and budget.here is not None and budget.here > 80
    with pytest.raises(CostError):
        environment.compile(f"{asked} && {asked} && {asked}").evaluate({"authorizer": authorizer}, budget)
