"""The tokens that Secrets hold: what says whose they are, and when they were used last.

https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#auto-generated-legacy-serviceaccount-token-clean-up
"""

from __future__ import annotations

from datetime import date

from knarr.api.kind import JSON

TYPE = "kubernetes.io/service-account-token"  # of the Secrets
ACCOUNT_NAME, ACCOUNT_UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"  # annotations
TOKEN, CA, NAMESPACE = "token", "ca.crt", "namespace"  # keys of their data
LAST_USED = "kubernetes.io/legacy-token-last-used"  # labels whose values are days
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
TRACKING = "kube-apiserver-legacy-service-account-token-tracking"  # the ConfigMap that knows since when they are kept
SINCE = "since"  # its key

LEGACY_ISSUER = "kubernetes/serviceaccount"
_CLAIM = "kubernetes.io/serviceaccount/"
NAMESPACE_CLAIM, SECRET_CLAIM = f"{_CLAIM}namespace", f"{_CLAIM}secret.name"
ACCOUNT_CLAIM, UID_CLAIM = f"{_CLAIM}service-account.name", f"{_CLAIM}service-account.uid"


def legacy_claims(namespace: str, account: str, uid: str, secret: str) -> JSON:
    """What the token of a Secret says: it neither expires nor names an audience."""
    return {
        "iss": LEGACY_ISSUER,
        NAMESPACE_CLAIM: namespace,
        SECRET_CLAIM: secret,
        ACCOUNT_CLAIM: account,
        UID_CLAIM: uid,
        "sub": f"system:serviceaccount:{namespace}:{account}",
    }


def day(text: str) -> date | None:
    """The day that a label or the ConfigMap names; None where it names none."""
    try:
        return date.fromisoformat(text) if len(text) == len("2006-01-02") else None
    except ValueError:
        return None
