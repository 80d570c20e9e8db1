"""ListOptions: selectors, pages and revisions, checked as upstream checks them.

https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from knarr.apiserver.media import META_GROUP
from knarr.apiserver.verbs.call import Call
from knarr.machinery.errors import BadRequest, Invalid
from knarr.machinery.fielderrors import FieldError, forbidden, invalid, not_supported
from knarr.machinery.selectors import FieldSelector, LabelSelector, SelectorError, parse_fields, parse_labels

EXACT, NOT_OLDER_THAN = "Exact", "NotOlderThan"
_FORBIDDEN = "resourceVersionMatch is forbidden"
_ALWAYS_SELECTABLE = frozenset({"metadata.name", "metadata.namespace"})
_SEND_INITIAL = "sendInitialEvents"

# Clients ask for the same things over and over.
_SHORT = 1000  # characters
_known_labels, _known_fields = lru_cache(512)(parse_labels), lru_cache(512)(parse_fields)


class ListOptions(msgspec.Struct, frozen=True):
    """What to list or watch. `revision` None: the newest; `match` is "" unless the client names it."""

    labels: LabelSelector
    fields: FieldSelector
    limit: int = 0
    token: str = ""  # continue
    revision: int | None = None
    match: str = ""
    timeout: float | None = None  # seconds
    bookmarks: bool = False
    initial_events: bool | None = None

    @property
    def everything(self) -> bool:
        return self.labels.everything and not self.fields.requirements

    @property
    def exact(self) -> bool:
        """Whether the state of one revision is asked for: a page of a version that is named is one of that version."""
        return self.match == EXACT or bool(self.limit and self.revision and not self.match)


def read(call: Call) -> ListOptions:
    """The query's options. Raises BadRequest for what cannot be read, Invalid for what does not go together."""
    request, watching = call.request, call.request.info.verb == "watch"
    options = ListOptions(
        labels=_labels(request.parameter("labelSelector")),
        fields=_fields(call),
        limit=0 if watching else _limit(call),
        token=request.parameter("continue"),
        revision=read_revision(call),
        match=request.parameter("resourceVersionMatch"),
        timeout=_number(request.parameter("timeoutSeconds"), "timeoutSeconds"),
        bookmarks=watching and request.flag("allowWatchBookmarks"),
        initial_events=request.flag(_SEND_INITIAL) if _SEND_INITIAL in request.parameters else None,
    )
    if errors := _check_watch(options) if watching else _check_list(options):
        raise Invalid.of(META_GROUP, "ListOptions", "", errors)
    return options


def _labels(text: str) -> LabelSelector:
    try:
        return _known_labels(text) if len(text) < _SHORT else parse_labels(text)
    except SelectorError as error:
        raise BadRequest(str(error)) from None


def _fields(call: Call) -> FieldSelector:
    """The query's selector, and the one name that the path of a watch may name."""
    try:
        text = call.request.parameter("fieldSelector")
        selector = _known_fields(text) if len(text) < _SHORT else parse_fields(text)
    except SelectorError as error:
        raise BadRequest(str(error)) from None
    if call.name and not selector.requirements:
        return parse_fields(f"metadata.name={call.name}")
    if call.name and selector.equalities.get("metadata.name") != call.name:
        raise BadRequest("fieldSelector metadata.name doesn't match requested name")
    known = call.kind.selectors or call.kind.fields
    for requirement in selector.requirements:
        name = requirement.field
        if name not in _ALWAYS_SELECTABLE and name not in known:
            raise BadRequest(_not_selectable(call, name))
    return selector.renamed(call.kind.selectors) if call.kind.selectors else selector


def _not_selectable(call: Call, name: str) -> str:
    """In the words of a kind that has fields of its own, or of one that has none."""
    if call.kind.qualified_resource == "jobs.batch":
        return f'field label "{name}" not supported for Job'
    if call.kind.fields or call.version.own:
        return f"field label not supported: {name}"
    known = ", ".join(f'"{field}"' for field in sorted(_ALWAYS_SELECTABLE))
    return f'"{name}" is not a known field selector: only {known}'


def _limit(call: Call) -> int:
    """The most objects wanted, 0 for all: as upstream, any version comes whole from the cache."""
    limit = max(_number(call.request.parameter("limit"), "limit") or 0, 0)
    whole = call.request.parameter("resourceVersion") == "0" and not call.request.parameter("continue")
    return 0 if whole else limit


def _number(text: str, name: str) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        why = f'strconv.ParseInt: parsing "{text}": invalid syntax'
        raise BadRequest(f"unable to convert query parameter {name}: {why}") from None


def read_revision(call: Call) -> int | None:
    """The query's resourceVersion. Raises Invalid."""
    text = call.request.parameter("resourceVersion")
    if not text:
        return None
    if why := _not_unsigned(text):
        error = invalid("resourceVersion", text, f'strconv.ParseUint: parsing "{text}": {why}')
        raise Invalid.of(META_GROUP, "ListOptions", "", [error])
    return int(text)


def _not_unsigned(text: str) -> str:
    if not text.isascii() or not text.isdigit():
        return "invalid syntax"
    return "value out of range" if len(text) > 20 or int(text) >= 1 << 64 else ""


def _check_list(options: ListOptions) -> list[FieldError]:
    errors: list[FieldError] = []
    if options.match:
        errors += _check_match(options)
    if options.initial_events is not None:
        errors.append(forbidden(_SEND_INITIAL, "sendInitialEvents is forbidden for list"))
    return errors


def _check_match(options: ListOptions) -> list[FieldError]:
    errors: list[FieldError] = []
    if options.revision is None:
        errors.append(_no_match("unless resourceVersion is provided"))
    if options.token:
        errors.append(_no_match("when continue is provided"))
    if options.match not in (EXACT, NOT_OLDER_THAN):
        errors.append(not_supported("resourceVersionMatch", options.match, (EXACT, NOT_OLDER_THAN, ""), in_order=True))
    if options.match == EXACT and options.revision == 0:
        why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        errors.append(forbidden("resourceVersionMatch", why))
    return errors


def _check_watch(options: ListOptions) -> list[FieldError]:
    errors: list[FieldError] = []
    if options.initial_events is not None and options.match != NOT_OLDER_THAN:
        why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        errors.append(forbidden("resourceVersionMatch", why))
    if options.match:
        if options.initial_events is None:
            errors.append(_no_match("for watch unless sendInitialEvents is provided"))
        if options.match != NOT_OLDER_THAN:
            errors.append(not_supported("resourceVersionMatch", options.match, (NOT_OLDER_THAN,)))
        if options.token:
            errors.append(_no_match("when continue is provided"))
    return errors


def _no_match(why: str) -> FieldError:
    return forbidden("resourceVersionMatch", f"{_FORBIDDEN} {why}")
