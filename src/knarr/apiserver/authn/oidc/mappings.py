"""What a token's claims make: a user, if all the rules are met."""

from __future__ import annotations

from typing import Any

from knarr.api.kind import JSON
from knarr.apiserver.authn.bearers import InvalidTokenError
from knarr.apiserver.authn.certificates import CREDENTIAL_ID
from knarr.apiserver.authn.claims import credential
from knarr.apiserver.authn.oidc.configurations import ClaimRule, JWTAuthenticator, Mapping, UserRule
from knarr.apiserver.authn.oidc.expressions import claims_condition, of_claims, user_condition
from knarr.apiserver.authn.users import User, authenticated, described
from knarr.machinery.cel import CelError

_EMAIL, _VERIFIED = "email", "email_verified"


class ClaimError(InvalidTokenError):
    """Claims that make no user."""


def user_of(claims: JSON, told: JWTAuthenticator) -> User:
    """The user of verified claims. Raises ClaimError."""
    mappings = told.claim_mappings
    for rule in told.claim_validation_rules:
        _check_claims(claims, rule)
    name = _username(claims, mappings.username)
    if not name:
        raise ClaimError("oidc: the username is empty")
    uid = _text("uid", claims, mappings.uid.claim, mappings.uid.expression)
    extra = {
        item.key: values for item in mappings.extra if (values := _values(item.key, claims, item.value_expression))
    }
    if jti := claims.get("jti"):
        extra[CREDENTIAL_ID] = (credential(jti),)
    user = User(name, uid, tuple(dict.fromkeys(_groups(claims, mappings.groups))), extra)
    for user_rule in told.user_validation_rules:
        _check_user(user, user_rule)
    return authenticated(user)


def _check_claims(claims: JSON, rule: ClaimRule) -> None:
    if rule.expression:
        if (
            _evaluated("claim validation", rule.expression, claims_condition(rule.expression), claims=claims)
            is not True
        ):
            raise ClaimError(f"oidc: validation expression '{rule.expression}' failed: {rule.message}")
        return
    if rule.claim not in claims:
        raise ClaimError(f"oidc: required claim {rule.claim} not present in ID token")
    if (found := claims[rule.claim]) != rule.required_value:
        text = f"oidc: required claim {rule.claim} value does not match. Got = {found}, want = {rule.required_value}"
        raise ClaimError(text)


def _check_user(user: User, rule: UserRule) -> None:
    condition = user_condition(rule.expression)
    if _evaluated("user validation", rule.expression, condition, user=described(user)) is not True:
        raise ClaimError(f"oidc: validation expression '{rule.expression}' failed: {rule.message}")


def _username(claims: JSON, mapping: Mapping) -> str:
    if mapping.claim == _EMAIL and _VERIFIED in claims and claims[_VERIFIED] is not True:
        raise ClaimError("oidc: email not verified")
    name = _text("username", claims, mapping.claim, mapping.expression, required=True)
    return f"{mapping.prefix or ''}{name}" if name else ""


def _text(what: str, claims: JSON, claim: str, expression: str, *, required: bool = False) -> str:
    """What is one text; empty where nobody asks for it."""
    if expression:
        found = _evaluated(what, expression, of_claims(expression), claims=claims)
    elif not claim:
        return ""
    elif claim in claims:
        found = claims[claim]
    elif required:
        raise ClaimError(f'oidc: parse {what} claims "{claim}": claim not present')
    else:
        return ""
    if not isinstance(found, str):
        raise ClaimError(f"oidc: error evaluating {what} claim: it is no string")
    return found


def _groups(claims: JSON, mapping: Mapping) -> tuple[str, ...]:
    if mapping.expression:
        return _values("groups", claims, mapping.expression)
    found = claims.get(mapping.claim) if mapping.claim else None
    return tuple(f"{mapping.prefix or ''}{group}" for group in _list("groups", found))


def _values(what: str, claims: JSON, expression: str) -> tuple[str, ...]:
    return _list(what, _evaluated(what, expression, of_claims(expression), claims=claims))


def _list(what: str, found: Any) -> tuple[str, ...]:
    """A text, or several; null and the empty text are none."""
    if found is None or found == "":
        return ()
    texts = [found] if isinstance(found, str) else found
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ClaimError(f"oidc: error evaluating {what} claim: it is neither a string nor a list of strings")
    return tuple(texts)


def _evaluated(what: str, text: str, program: Any, **bindings: Any) -> Any:
    try:
        return program.evaluate(bindings)
    except CelError as error:
        raise ClaimError(f"oidc: error evaluating {what} expression '{text}': {error}") from None
