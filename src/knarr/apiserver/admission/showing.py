"""A write as webhooks and policies are shown it: the request, and the trees in the form by which it was matched."""

from __future__ import annotations

from typing import Any

from knarr.api.kind import JSON, Converter
from knarr.apiserver.admission.matching import Match
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.authn.users import user_info
from knarr.apiserver.encoding import api_version, from_storage
from knarr.machinery.trees import copied

Trees = tuple[Any, Any]  # the object and the old one, in the form in which they are shown


async def shown(attributes: Attributes, match: Match) -> Trees:
    """The object and the old one in the form of the match. Raises APIError where somebody has to convert them."""
    trees = (attributes.object, attributes.old)
    converter = converter_of(attributes, match)
    if converter is None:
        return shown_tree(trees[0], attributes, match), shown_tree(trees[1], attributes, match)
    exact = Match(attributes.kind, attributes.version)
    given = [tree for tree in (shown_tree(tree, attributes, exact) for tree in trees) if tree is not None]
    found = iter(await converter.convert(given, api_version(match.kind, match.version)))
    new, old = [None if tree is None else next(found) for tree in trees]
    return new, old


def shown_tree(tree: JSON | None, attributes: Attributes, match: Match) -> JSON | None:
    """The object or the old one; it shares nothing with what admission works on."""
    if tree is None:
        return None
    if attributes.form:
        return copied(tree)
    found = from_storage(match.version, copied(tree))
    if attributes.revision:
        found["metadata"].setdefault("resourceVersion", str(attributes.revision))
    return found


def converter_of(attributes: Attributes, match: Match) -> Converter | None:
    """Whom to ask for a custom resource in the version of the match, where that is not the one of the request."""
    same = match.version.name == attributes.version.name
    return None if same or attributes.form else attributes.kind.converter


def described(attributes: Attributes, match: Match) -> JSON:
    """The fields of an AdmissionRequest besides its uid and its objects."""
    asked = Match(attributes.kind, attributes.version)
    subresource, name = attributes.subresource, attributes.name
    is_namespace = attributes.kind.qualified_resource == "namespaces"
    return {
        "kind": _kind(attributes, match),
        "resource": _resource(match),
        **({"subResource": subresource} if subresource else {}),
        "requestKind": _kind(attributes, asked),
        "requestResource": _resource(asked),
        **({"requestSubResource": subresource} if subresource else {}),
        **({"name": name} if name else {}),
        **({"namespace": namespace} if (namespace := name if is_namespace else attributes.namespace) else {}),
        "operation": attributes.operation,
        "userInfo": user_info(attributes.user),
        "dryRun": attributes.dry_run,
        "options": attributes.options or None,
    }


def _kind(attributes: Attributes, match: Match) -> JSON:
    if form := attributes.form:
        return {"group": form.group, "version": form.version, "kind": form.kind}
    return {"group": match.kind.group, "version": match.version.name, "kind": match.kind.kind}


def _resource(match: Match) -> JSON:
    return {"group": match.kind.group, "version": match.version.name, "resource": match.kind.plural}
