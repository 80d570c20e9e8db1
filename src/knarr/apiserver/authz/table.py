"""The authorizers, in the order in which they are asked: upstream's default, Node and then RBAC."""

from __future__ import annotations

from knarr.apiserver.authz.authorizer import Authorizer, InTurn
from knarr.apiserver.authz.node import NodeAuthorizer
from knarr.apiserver.authz.rbac import RBAC
from knarr.apiserver.authz.tenancy import Tenancy
from knarr.apiserver.registry import Registry


def authorizer_of(registry: Registry) -> Authorizer:
    """The authorizer of a server, fed by its watch cache."""
    return InTurn(NodeAuthorizer(Tenancy(registry)), RBAC(registry))
