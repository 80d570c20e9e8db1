"""What a kind is: one frozen value from which routes, discovery, OpenAPI, tables and verbs are derived.

A file in kinds/ holds the value `KIND` and the pure functions that only this kind has; what belongs to a part shared by
several kinds (a pod template, a label selector) is a rule on that part's schema definition, in rules/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from knarr.machinery.apply.shapes import Shape
from knarr.machinery.fielderrors import FieldError

JSON = dict[str, Any]

_PUBLISHED = ("io.k8s.api.", "io.k8s.apiextensions-apiserver.", "io.k8s.kube-aggregator.")
ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the Table that `kubectl get` prints. `priority` above 0 shows only with `-o wide`."""

    name: str
    cell: Callable[[JSON, datetime], Any]  # the object and the time of the request, for ages
    type: str = "string"
    format: str = ""
    priority: int = 0
    description: str = ""
    shows: str = ""  # the field (a dotted path) whose published description is the column's, where nothing else is said


class ObjectType(Protocol):
    """What is known of the objects of one version. Trees are changed in place; decode comes before anything else."""

    definition: str  # its name in OpenAPI

    @property
    def ownership(self) -> Shape:
        """Who may own which of its fields: for server-side apply and metadata.managedFields."""

    def decode(self, tree: JSON) -> list[str]:
        """Check JSON types, drop nulls and unknown fields, whose places are returned. Raises types.DecodeError."""

    def default(self, tree: JSON) -> None:
        """Add what the author left out."""

    def validate(self, tree: JSON) -> list[FieldError]:
        """All that is wrong with a new object."""

    def validate_changes(self, new: JSON, old: JSON) -> list[FieldError]:
        """What is wrong with the parts of a valid object that a change touches."""

    def validate_update(self, new: JSON, old: JSON) -> list[FieldError]:
        """What the change itself may not do."""


class OwnType(ObjectType, Protocol):
    """The type of a custom resource, which brings along what others find among the published definitions."""

    @property
    def digest(self) -> str:
        """Changes with the schema."""

    @property
    def has_rules(self) -> bool:
        """Whether `ask` may have something to say."""

    def ask(self, new: JSON, old: JSON | None, errors: Sequence[FieldError], here: int | None) -> list[FieldError]:
        """What its rules have against a new or changed object, of which `errors` are known already. Raises
        LaboriousError where that takes more than `here` cost units (None: whatever it takes).
        """

    def schemas(self, older: bool) -> Mapping[str, JSON]:
        """Definitions for OpenAPI by name, references in the form of version 3; `older` is for version 2."""


@dataclass(frozen=True, slots=True)
class Version:
    """A served version. Where it is not the storage version, both conversions are given.

    A conversion may change its argument; it returns the whole object with the apiVersion of the version it leads to.
    """

    name: str
    definition: str  # in the published schema, e.g. "io.k8s.api.apps.v1.Deployment"
    to_storage: Callable[[JSON], JSON] | None = None
    from_storage: Callable[[JSON], JSON] | None = None
    deprecated: str = ""  # the text of the Warning header that its use earns
    own: OwnType | None = None  # in place of the published definition

    @property
    def published(self) -> bool:
        """Whether upstream's schema has it, and so protobuf: custom resources have neither."""
        return self.definition.startswith(_PUBLISHED)


class Converter(Protocol):
    """Makes objects those of another version by asking somebody."""

    async def convert(self, trees: Sequence[JSON], api_version: str) -> list[JSON]:
        """In their order. Raises APIError."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the scale subresource finds its numbers (dotted paths); upstream's autoscaling/v1 Scale."""

    spec_replicas: str = "spec.replicas"
    status_replicas: str = "status.replicas"
    selector: str = "spec.selector"


@dataclass(frozen=True)  # without slots, so that what follows from its fields is worked out once
class Kind:
    """A resource of the API, whole. `versions` are the served ones, preferred first, the unconverted one stored.

    A kind that shares another's storage (events.k8s.io Events are core Events) names that one's version in `stored`.
    """

    kind: str
    plural: str
    versions: tuple[Version, ...]
    group: str = ""
    stored: Version | None = None
    namespaced: bool = True
    singular: str = ""  # default: the kind in lower case
    list_name: str = ""  # the kind of lists; default: the kind with "List" behind it
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    storage_prefix: str = ""  # default: "/registry/<plural>"; upstream's exceptions are spelled out
    subresources: tuple[str, ...] = ()  # "status", "scale", "log", "exec", "binding", ...
    scale: Scale | None = None
    generation: bool = False  # metadata.generation counts changes of everything but metadata and status
    counts: Callable[[JSON, JSON], bool] | None = None  # (new, old): which changes it counts instead
    graceful: bool = False  # deletion waits for somebody (the kubelet) to confirm it
    orphans: bool = False  # dependents stay when it is deleted without a policy: upstream's meaning before policies
    orphan_warning: str = ""  # the text of the Warning header for whom that may surprise
    name_rule: Callable[[str], Iterable[str]] | None = None  # default: DNS-1123 subdomain
    columns: tuple[Column, ...] = ()  # default: Name and Age
    # Fields that selectors may name besides metadata.name and metadata.namespace; they read the stored version.
    fields: Mapping[str, Callable[[JSON], str]] = field(default_factory=dict)
    # What clients call these fields, and the names that they are kept under; default: the same.
    selectors: Mapping[str, str] = field(default_factory=dict)
    # After defaulting, with name and uid set: drop what a client may not set, derive what it need not.
    prepare_create: Callable[[JSON], None] | None = None
    prepare_update: Callable[[JSON, JSON], None] | None = None  # (new, old)
    prepare_status: Callable[[JSON, JSON], None] | None = None  # (new, old), for the status subresource
    prepare_delete: Callable[[JSON, str], None] | None = None  # (object, now), when its deletion is first asked for
    validate: Callable[[JSON], Iterable[FieldError]] | None = None  # after the rules of its schema definitions
    validate_create: Callable[[JSON], Iterable[FieldError]] | None = None  # the same, of new objects alone
    validate_update: Callable[[JSON, JSON], Iterable[FieldError]] | None = None  # (new, old)
    validate_status: Callable[[JSON, JSON], Iterable[FieldError]] | None = None  # (new, old), of the subresource
    # (new, old or None, now): writes the times that only the server knows.
    stamp: Callable[[JSON, JSON | None, str], None] | None = None
    warnings: Callable[[JSON, JSON | None], Iterable[str]] | None = None  # (new, old or None)
    effects: tuple[str, ...] = ()  # what a write needs from outside the object: names in apiserver/effects/table.py
    ttl: float | None = None  # seconds after which the store drops an object (events)
    refresh: Callable[[JSON], JSON] | None = None  # what an object stored by an older schema is by this one
    # Of a face whose version is worked in as it is: what makes it of what is stored, and the other way round.
    converter: Converter | None = None
    # By version, where versions differ in more than their schema (subresources, columns, fields): the kind as each
    # one shows it.
    faces: Mapping[str, Kind] = field(default_factory=dict)

    @cached_property
    def storage_version(self) -> Version:
        return self.stored or next(v for v in self.versions if v.to_storage is None)

    @cached_property
    def by_version(self) -> Mapping[str, Version]:
        """Its versions by their names."""
        return {version.name: version for version in self.versions}

    def at(self, version: Version) -> Kind:
        """The kind as one of its versions shows it."""
        return self.faces.get(version.name, self)

    @cached_property
    def prefix(self) -> str:
        """Where the store keeps the objects: keys are `<prefix>/[<namespace>/]<name>`, as upstream lays out etcd."""
        return self.storage_prefix or f"/registry/{self.plural}"

    @property
    def singular_name(self) -> str:
        return self.singular or self.kind.lower()

    @property
    def list_kind(self) -> str:
        return self.list_name or f"{self.kind}List"

    @cached_property
    def qualified_resource(self) -> str:
        """`deployments.apps`, as messages and RBAC name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @cached_property
    def has_status(self) -> bool:
        return "status" in self.subresources


@dataclass(frozen=True, slots=True)
class Rules:
    """What the schema leaves out about one of its definitions; applied wherever the definition occurs.

    The keys of mappings and tuples are field names of the definition itself. A default may be a function of the object
    holding the field (after its siblings' static defaults), called only when the field is absent; None sets nothing.
    """

    definition: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()  # beyond the schema's own: absent or empty is "Required value"
    demands: Mapping[str, str] = field(default_factory=dict)  # the same, with what there is to say of it
    undemanded: tuple[str, ...] = ()  # fields that the schema requires, but upstream does not or says so otherwise
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bounds: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)  # inclusive
    sizes: Mapping[str, int] = field(default_factory=dict)  # the most items of a list or a map
    names: Mapping[str, Callable[[str], Iterable[str]]] = field(default_factory=dict)  # checks of machinery.names
    default: Callable[[JSON], None] | None = None  # what depends on several fields; runs after the children's defaults
    validate: Callable[[JSON, str], Iterable[FieldError]] | None = None  # (value, its path)
    repeated: tuple[str, ...] = ()  # fields that come again and again as they are: one found good is remembered
    when: frozenset[str] = frozenset()  # `validate` has something to say only where one of these fields is
    # (new, old, path), where both exist.
    validate_update: Callable[[JSON, JSON, str], Iterable[FieldError]] | None = None
    immutable: tuple[str, ...] = ()  # fields that an update may not change: "field is immutable"
