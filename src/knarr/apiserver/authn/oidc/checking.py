"""What is wrong with an AuthenticationConfiguration, in upstream's words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from urllib.parse import urlsplit

from knarr.api.checks import domain_prefixed_path
from knarr.api.expressions import ExpressionError
from knarr.apiserver.authn.oidc.configurations import (
    AuthenticationConfiguration,
    ClaimMappings,
    ClaimRule,
    ExtraMapping,
    Issuer,
    JWTAuthenticator,
    Mapping,
    UIDMapping,
    UserRule,
    decoded,
)
from knarr.apiserver.authn.oidc.expressions import claims_condition, of_claims, user_condition
from knarr.apiserver.configfiles import ConfigFileError
from knarr.machinery.cel import Program
from knarr.machinery.errors import aggregate
from knarr.machinery.fielderrors import FieldError, duplicate, invalid, required, too_many
from knarr.wire.tls import client_context

_MOST = 64  # issuers
_RESERVED = ("kubernetes.io", "k8s.io")
_BOTH = "claim and expression can't both be set"
_NEITHER = "claim or expression is required"
_UNVERIFIED = (
    "claims.email_verified must be used in claimMappings.username.expression or "
    "claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in "
    "claimMappings.username.expression"
)


def checked(text: bytes, ours: Collection[str]) -> AuthenticationConfiguration:
    """What a file says. Raises ConfigFileError; `ours` are the issuers of service accounts' tokens."""
    configuration = decoded(text)
    if said := [str(problem) for problem in problems(configuration, ours)]:
        raise ConfigFileError(aggregate(said))
    return configuration


def problems(configuration: AuthenticationConfiguration, ours: Collection[str]) -> Iterator[FieldError]:
    """All that is wrong: nobody else may be one of our own issuers, for example."""
    issuers = configuration.jwt
    if len(issuers) > _MOST:
        yield too_many("jwt", len(issuers), _MOST)
        return
    for index, authenticator in enumerate(issuers):
        yield from _authenticator(f"jwt[{index}]", authenticator, ours)
    yield from _doubled("jwt[{}].issuer.url", [each.issuer.url for each in issuers])
    yield from _doubled("jwt[{}].issuer.discoveryURL", [each.issuer.discovery_url for each in issuers])
    anonymous = configuration.anonymous
    if anonymous and anonymous.conditions and not anonymous.enabled:
        paths = [{"path": condition.path} for condition in anonymous.conditions]
        yield invalid("anonymous.conditions", paths, "enabled should be set to true when conditions are defined")


def _authenticator(at: str, given: JWTAuthenticator, ours: Collection[str]) -> Iterator[FieldError]:
    yield from _issuer(f"{at}.issuer", given.issuer, ours)
    rules, mappings = f"{at}.claimValidationRules", given.claim_mappings
    for index, rule in enumerate(given.claim_validation_rules):
        yield from _claim_rule(f"{rules}[{index}]", rule)
    yield from _doubled(rules + "[{}].claim", [rule.claim for rule in given.claim_validation_rules])
    yield from _doubled(rules + "[{}].expression", [rule.expression for rule in given.claim_validation_rules])
    yield from _mappings(f"{at}.claimMappings", mappings)
    if _is_unverified(given):
        yield invalid(f"{at}.claimMappings.username.expression", mappings.username.expression, _UNVERIFIED)
    for index, user_rule in enumerate(given.user_validation_rules):
        yield from _user_rule(f"{at}.userValidationRules[{index}]", user_rule)
    yield from _doubled(
        f"{at}.userValidationRules" + "[{}].expression", [rule.expression for rule in given.user_validation_rules]
    )


def _doubled(at: str, values: Iterable[str]) -> Iterator[FieldError]:
    """Values that were there before, by their index."""
    seen = set[str]()
    for index, value in enumerate(values):
        if value and value in seen:
            yield duplicate(at.format(index), value)
        seen.add(value)


def _issuer(at: str, issuer: Issuer, ours: Collection[str]) -> Iterator[FieldError]:
    if not issuer.url:
        yield required(f"{at}.url")
    elif issuer.url in ours:
        detail = f"URL must not overlap with disallowed issuers: [{' '.join(sorted(ours))}]"
        yield invalid(f"{at}.url", issuer.url, detail)
    if issuer.url:
        yield from _url(f"{at}.url", issuer.url)
    if issuer.discovery_url:
        if issuer.discovery_url.rstrip("/") == issuer.url.rstrip("/"):
            yield invalid(f"{at}.discoveryURL", issuer.discovery_url, "discoveryURL must be different from URL")
        yield from _url(f"{at}.discoveryURL", issuer.discovery_url)
    yield from _audiences(at, issuer)
    if issuer.certificate_authority and not _vouches(issuer.certificate_authority):
        yield invalid(
            f"{at}.certificateAuthority", "<omitted>", "data does not contain any valid RSA or ECDSA certificates"
        )
    if issuer.egress_selector_type not in ("", "controlplane", "cluster"):
        detail = "egress selector must be either controlplane or cluster"
        yield invalid(f"{at}.egressSelectorType", issuer.egress_selector_type, detail)


def _url(at: str, url: str) -> Iterator[FieldError]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        yield invalid(at, url, str(error))
        return
    if parts.scheme != "https":
        yield invalid(at, url, "URL scheme must be https")
    if parts.username is not None:
        yield invalid(at, url, "URL must not contain a username or password")
    if parts.query:
        yield invalid(at, url, "URL must not contain a query")
    if parts.fragment:
        yield invalid(at, url, "URL must not contain a fragment")


def _audiences(at: str, issuer: Issuer) -> Iterator[FieldError]:
    audiences, policy = issuer.audiences, issuer.audience_match_policy
    if not audiences:
        yield required(f"{at}.audiences", f"at least one {at}.audiences is required")
        return
    yield from (required(f"{at}.audiences[{index}]") for index, audience in enumerate(audiences) if not audience)
    yield from _doubled(at + ".audiences[{}]", audiences)
    if len(audiences) > 1 and policy != "MatchAny":
        detail = "audienceMatchPolicy must be MatchAny for multiple audiences"
        yield invalid(f"{at}.audienceMatchPolicy", policy, detail)
    elif policy not in ("", "MatchAny"):
        detail = "audienceMatchPolicy must be empty or MatchAny for single audience"
        yield invalid(f"{at}.audienceMatchPolicy", policy, detail)


def _vouches(authority: str) -> bool:
    """Whether it is a bundle of certificates."""
    try:
        client_context(authority)
    except (OSError, ValueError):
        return False
    return True


def _claim_rule(at: str, rule: ClaimRule) -> Iterator[FieldError]:
    if rule.claim and rule.expression:
        yield invalid(at, rule.claim, _BOTH)
    elif rule.claim and rule.message:
        yield invalid(f"{at}.message", rule.message, "may not be specified when claim is set")
    elif rule.expression:
        if rule.required_value:
            yield invalid(f"{at}.requiredValue", rule.required_value, "may not be specified when expression is set")
        yield from _expression(f"{at}.expression", rule.expression, claims_condition)
    elif not rule.claim:
        yield required(at, _NEITHER)


def _user_rule(at: str, rule: UserRule) -> Iterator[FieldError]:
    if rule.expression:
        yield from _expression(f"{at}.expression", rule.expression, user_condition)
    else:
        yield required(f"{at}.expression")


def _mappings(at: str, mappings: ClaimMappings) -> Iterator[FieldError]:
    yield from _mapping(f"{at}.username", mappings.username, needed=True)
    yield from _mapping(f"{at}.groups", mappings.groups)
    yield from _mapping(f"{at}.uid", mappings.uid)
    for index, extra in enumerate(mappings.extra):
        yield from _extra(f"{at}.extra[{index}]", extra)
    yield from _doubled(at + ".extra[{}].key", [extra.key for extra in mappings.extra])


def _mapping(at: str, mapping: Mapping | UIDMapping, *, needed: bool = False) -> Iterator[FieldError]:
    prefix = mapping.prefix if isinstance(mapping, Mapping) else ""
    if mapping.claim and mapping.expression:
        yield invalid(at, "", _BOTH)
    elif mapping.expression:
        if prefix is not None and isinstance(mapping, Mapping):
            yield invalid(f"{at}.prefix", prefix, "may not be specified when expression is set")
        yield from _expression(f"{at}.expression", mapping.expression, of_claims)
    elif mapping.claim and prefix is None:
        detail = "prefix is required when claim is set. It can be set to an empty string to disable prefixing"
        yield required(f"{at}.prefix", detail)
    elif needed and not mapping.claim:
        yield required(at, _NEITHER)


def _extra(at: str, extra: ExtraMapping) -> Iterator[FieldError]:
    yield from domain_prefixed_path(f"{at}.key", extra.key)
    if extra.key != extra.key.lower():
        yield invalid(f"{at}.key", extra.key, "must be lowercase")
    domain, slash, _ = extra.key.partition("/")
    if slash and any(domain == name or domain.endswith(f".{name}") for name in _RESERVED):
        detail = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"
        yield invalid(f"{at}.key", extra.key, detail)
    if extra.value_expression:
        yield from _expression(f"{at}.valueExpression", extra.value_expression, of_claims)
    else:
        yield required(f"{at}.valueExpression")


def _expression(at: str, text: str, compile: Callable[[str], Program]) -> Iterator[FieldError]:
    try:
        compile(text)
    except ExpressionError as error:
        yield invalid(at, text, str(error))


def _is_unverified(given: JWTAuthenticator) -> bool:
    """Whether a user is named by an address without a look at whether it is theirs."""
    mappings = given.claim_mappings
    try:
        username = of_claims(mappings.username.expression) if mappings.username.expression else None
        others = [of_claims(extra.value_expression) for extra in mappings.extra if extra.value_expression]
        others += [claims_condition(rule.expression) for rule in given.claim_validation_rules if rule.expression]
    except ExpressionError:
        return False  # which is told
    if username is None or not username.selects("claims", "email"):
        return False
    return not any(program.selects("claims", "email_verified") for program in (username, *others))
