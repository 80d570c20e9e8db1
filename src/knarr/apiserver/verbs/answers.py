"""Trees and stored bytes to answers: the negotiated media type and view, warnings, Status."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec
from msgspec import structs

from knarr.api.kind import JSON
from knarr.apiserver import media, tables
from knarr.apiserver.encoding import served_tree
from knarr.apiserver.representations import Item, representation
from knarr.apiserver.verbs.call import Call
from knarr.wire.messages import Answer, Response

_WARNINGS, _WARNING = 4096, 256  # characters of all, and of each where all are more
OBJECT_VIEWS = frozenset({"Table", "PartialObjectMetadata"})


class Stored(NamedTuple):
    """An object as a write left it: canonical bytes of the storage version, and the revision to show with them."""

    value: bytes
    revision: int
    form: object = None  # what is shown, where that is the value itself, though it might be another

    @property
    def encodings(self) -> dict[object, bytes]:
        """Nothing more is remembered of what only its writer is shown."""
        return {self.form: self.value} if self.form else {}


def output(call: Call, views: frozenset[str] = frozenset(), *, watched: bool = False) -> media.Output:
    """What the request's Accept header chooses. Raises NotAcceptable."""
    accept = call.request.http.headers.get("accept", "")
    return media.negotiate(accept, views, watched=watched, typed=call.version.published)


def object_answer(call: Call, stored: Item, status: int = 200) -> Response:
    """One object in the version and form that the client asked for."""
    chosen = output(call, OBJECT_VIEWS)
    if chosen.view == "Table":
        now = call.registry.clock.now()
        body = chosen.media.encode(tables.row(call.kind, chosen, _seen(call, stored), call.request, now))
    else:
        body = representation(chosen).whole(call.kind, call.version, stored)
    return Response(status, headers(call, chosen.media), body)


def _seen(call: Call, stored: Item) -> JSON:
    return served_tree(call.version, stored.value, stored.revision, stored.encodings)


def tree_answer(call: Call, tree: JSON, status: int = 200, views: frozenset[str] = OBJECT_VIEWS) -> Response:
    """Any tree as it is, of a published type: a Scale, a review, a Status. `views` are those that it passes for."""
    chosen = media.negotiate(call.request.http.headers.get("accept", ""), views)
    return Response(status, headers(call, chosen.media), chosen.media.encode(tree))


def success(call: Call, status: int = 200, details: Mapping[str, str] | None = None) -> Response:
    """A `Status` of success."""
    tree: JSON = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if details:
        tree["details"] = {key: value for key, value in details.items() if value}
    elif status == 201:
        tree["code"] = status
    return tree_answer(call, tree, status)


def limited(warnings: Collection[str]) -> Collection[str]:
    """The warnings that fit: where they are too long as a whole each is cut, and what is still too much is left out.

    https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response
    """
    if sum(map(len, warnings)) <= _WARNINGS:
        return warnings
    kept, left = [], _WARNINGS
    for text in warnings:
        left -= len(text[:_WARNING])
        if left >= 0:
            kept.append(text[:_WARNING])
    return kept


def headers(call: Call, chosen: media.MediaType, *, watched: bool = False) -> dict[str, str]:
    """The answer's own: its type, and the warnings that have gathered."""
    name = (chosen.stream_name if watched else "") or chosen.name
    return {"content-type": name, **warning_header((call.version.deprecated, *call.warnings))}


def warned(answer: Answer, texts: Collection[str]) -> Answer:
    """An answer with these warnings besides its own."""
    if not texts or not (more := warning_header(texts)):
        return answer
    own = answer.headers.get("warning")
    return structs.replace(
        answer, headers={**answer.headers, "warning": ", ".join(filter(None, (own, *more.values())))}
    )


def warning_header(texts: Iterable[str]) -> dict[str, str]:
    """The header for these texts, each once; none for none."""
    if not (told := dict.fromkeys(text for text in texts if text)):
        return {}
    return {"warning": ", ".join(f"299 - {msgspec.json.encode(text).decode()}" for text in limited(told))}
