"""CEL, the Common Expression Language, as Kubernetes 1.36 has it: parsed, type-checked, priced and evaluated.

    environment = Environment({"self": type_of_schema(schema), "oldSelf": ...})
    program = environment.compile("self.replicas <= 5")    # CompileError; str() is upstream's text
    program.type == BOOL                                   # what it evaluates to, maybe DYN
    program.cost.most                                      # estimated, in upstream's cost units
    program.names                                          # the variables that it mentions
    program.evaluate({"self": tree}, Budget(10_000_000))   # CelError; CostError beyond the budget or a call's limit

Values are JSON trees as the API server has them; types are declared by `type_of_schema`, or put together of the
constants and functions of types.py (an object without a schema is DYN). Times, durations and bytes are made of their
text where the declared type says so. A variable may be bound to a dict whose items are computed when they are read
(`__missing__`).

The library has no I/O, no state and no time of its own; its choice is explained in docs/decisions/cel.md.
Nothing here knows where expressions come from: policies, custom resources and webhooks bring their own variables.
"""

from knarr.machinery.cel.environment import PER_CALL_LIMIT, Budget, Environment, Program
from knarr.machinery.cel.errors import CelError, CompileError, CostError, Issue
from knarr.machinery.cel.libraries.authorizers import Attributes, Authorizer, Decision
from knarr.machinery.cel.schemas import type_of_schema
from knarr.machinery.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    CelType,
    list_of,
    map_of,
    object_of,
    optional_of,
)

__all__ = [
    "BOOL",
    "BYTES",
    "DOUBLE",
    "DURATION",
    "DYN",
    "INT",
    "NULL",
    "PER_CALL_LIMIT",
    "STRING",
    "TIMESTAMP",
    "UINT",
    "Attributes",
    "Authorizer",
    "Budget",
    "CelError",
    "CelType",
    "CompileError",
    "CostError",
    "Decision",
    "Environment",
    "Issue",
    "Program",
    "list_of",
    "map_of",
    "object_of",
    "optional_of",
    "type_of_schema",
]
