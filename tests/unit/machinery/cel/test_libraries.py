"""Kubernetes' function libraries. https://kubernetes.io/docs/reference/using-api/cel/"""

from __future__ import annotations

import pytest

from knarr.machinery.cel import Attributes, Authorizer, CelError, CelType, Decision, Environment
from knarr.machinery.cel.functions import OPAQUE
from knarr.machinery.cel.libraries.table import LIBRARIES


def evaluate(text: str) -> object:
    return Environment({}).compile(text).evaluate({})


@pytest.mark.parametrize(
    "text",
    [
        "'tacocat'.charAt(3) == 'o' && 'tacocat'.charAt(7) == ''",
        "'hello mellow'.indexOf('ello', 2) == 7 && 'hello'.indexOf('') == 0",
        "'hello mellow'.lastIndexOf('ello') == 7 && 'hello mellow'.lastIndexOf('ello', 6) == 1",
        "'TacoCÆt'.lowerAscii() == 'tacocÆt' && 'TacoCæt'.upperAscii() == 'TACOCæT'",
        "'hello hello'.replace('he', 'we', 1) == 'wello hello' && 'hello'.replace('', '_', 0) == 'hello'",
        "'a b c'.split(' ') == ['a', 'b', 'c'] && 'a b c'.split(' ', 2) == ['a', 'b c'] && 'a'.split(' ', 0) == []",
        "'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco'",
        r"'  \ttrim\n '.trim() == 'trim'",
        "['a', 'b'].join() == 'ab' && ['a', 'b'].join('-') == 'a-b'",
        r"""strings.quote('say "hi"') == '"say \\"hi\\""'""",
        "'%s %d %.1f %x %X %b %o %e %%'.format(['a', 3, 2.55, 255, 255, 5, 8, 1234.5]) "
        "== 'a 3 2.5 ff FF 101 10 1.234500e+03 %'",
        "'%s'.format([{'b': [1, 2.0], 'a': null}]) == '{a: null, b: [1, 2]}'",
        "[1, 2, 3].isSorted() && !['b', 'a'].isSorted()",
        "[1.0, 2.5].sum() == 3.5 && [duration('1m'), duration('1s')].sum() == duration('61s')",
        "[3, 1].min() == 1 && ['a', 'b'].max() == 'b'",
        "[1, 2, 2].indexOf(2) == 1 && [1, 2, 2].lastIndexOf(2) == 2 && [1].indexOf(5) == -1",
        "'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]+') == ''",
        "'1, 2, 3'.findAll('[0-9]+') == ['1', '2', '3'] && '1, 2'.findAll('[0-9]+', 1) == ['1']",
        "'abc'.matches('^a.c$') && matches('abc', 'b')",
        "url('https://user@example.com:80/path with spaces/?k=v&k=w').getHost() == 'example.com:80'",
        "url('https://example.com:80/path with spaces/').getEscapedPath() == '/path%20with%20spaces/'",
        "url('https://[::1]:80/').getHostname() == '::1' && url('https://[::1]:80/').getPort() == '80'",
        "url('https://example.com/?k=v&k=w').getQuery()['k'] == ['v', 'w']",
        "isURL('https://example.com') && !isURL('example.com') && !isURL('https://a:b:c/') && isURL('/absolute-path')",
        "quantity('500000G').isInteger() && quantity('50k').asInteger() == 50000",
        "quantity('50k').add(quantity('20k')) == quantity('70k')",
        "quantity('50k').add(20).sub(quantity('100k')).sub(-50000) == quantity('20')",
        "quantity('200M').compareTo(quantity('0.2G')) == 0 && quantity('-1').sign() == -1",
        "quantity('150Mi').isGreaterThan(quantity('100Mi')) && quantity('50M').isLessThan(quantity('100M'))",
        "isQuantity('1Mi') && !isQuantity('1Mo') && quantity('1500m').asApproximateFloat() == 1.5",
        "ip('127.0.0.1').isLoopback() && ip('::1').family() == 6 && string(ip('192.168.0.1')) == '192.168.0.1'",
        "isIP('::1') && !isIP('1.2.3.256') && !isIP('::ffff:1.2.3.4') && ip.isCanonical('2001:db8::abcd')",
        "!ip.isCanonical('2001:DB8::ABCD') && ip('169.254.1.1').isLinkLocalUnicast()",
        "ip('224.0.0.1').isLinkLocalMulticast() && ip('8.8.8.8').isGlobalUnicast() && ip('0.0.0.0').isUnspecified()",
        "cidr('192.168.0.0/24').containsIP('192.168.0.1') && !cidr('::/0').containsIP(ip('1.1.1.1'))",
        "cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24') && !cidr('10.0.0.0/24').containsCIDR('10.0.0.0/8')",
        "cidr('192.168.1.5/24').masked() == cidr('192.168.1.0/24') && cidr('192.168.1.5/24').prefixLength() == 24",
        "cidr('192.168.1.5/24').ip() == ip('192.168.1.5') && isCIDR('::/0') && !isCIDR('1.1.1.1')",
        "semver('1.2.3').isLessThan(semver('1.2.4')) && semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))",
        "semver('v1.01', true) == semver('1.1.0') && isSemver('1.2.3+b') && !isSemver('1.2')",
        "semver('1.2.3').major() == 1 && semver('1.2.3').compareTo(semver('1.2.3')) == 0",
        "!format.dns1123Label().validate('my-label').hasValue() && format.dns1123Label().validate('My').hasValue()",
        "format.named('uuid').value().validate('nope').value() == ['does not match the UUID format']",
        "!format.named('nope').hasValue() && !format.date().validate('2021-01-01').hasValue()",
        "sets.contains([1, 2], [1]) && sets.equivalent([1, 1], [1]) && sets.intersects([1], [1, 2])",
    ],
)
def test_true(text: str) -> None:
    assert evaluate(text) is True


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("'abc'.charAt(4)", "index out of range: 4"),
        ("'abc'.substring(2, 1)", "invalid substring range. start: 2, end: 1"),
        ("'%d'.format(['a'])", "error during formatting: %d clause cannot be used on a"),
        ("[1].filter(x, x > 1).min()", "min called on empty list"),
        ("'a'.find('[')", "error parsing regexp: missing closing ]: `[`"),
        (
            "quantity('1Mo')",
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        ("quantity('1.5').asInteger()", "cannot convert value to integer"),
        ("timestamp(0).getHours('+42:00')", "unknown time zone +42:00"),
        ("timestamp(0).getHours('Nowhere')", "unknown time zone Nowhere"),
        ("[1][?dyn('a')]", "no such overload"),
        ("[1].transformMapEntry(i, v, dyn(v))", "no such overload"),
        ("semver('1.2')", "invalid semver: No Major.Minor.Patch elements found"),
    ],
)
def test_failing(text: str, why: str) -> None:
    with pytest.raises(CelError) as failed:
        evaluate(text)
    assert str(failed.value) == why


def test_authorizer() -> None:
    asked: list[Attributes] = []

    def decide(attributes: Attributes) -> Decision:
        asked.append(attributes)
        return Decision(attributes.verb == "create", reason="since")

    environment = Environment({"authorizer": CelType("kubernetes.authorization.Authorizer")})
    text = (
        "authorizer.group('').resource('pods').subresource('log').namespace('n').name('p').check('create').allowed()"
        " && authorizer.serviceAccount('n', 'a').path('/x').check('get').reason() == 'since'"
    )
    program = environment.compile(text)
    assert program.evaluate({"authorizer": Authorizer(decide)}) is True
    assert asked == [
        Attributes(verb="create", resource="pods", subresource="log", namespace="n", name="p"),
        Attributes(verb="get", path="/x", account=("n", "a")),
    ]
    assert 700_000 < program.cost.most < 700_100


def test_every_opaque_type_is_used() -> None:
    used = {str(t) for library in LIBRARIES for o in library for t in (*o.params, o.result)}
    assert OPAQUE - {"type"} <= used
