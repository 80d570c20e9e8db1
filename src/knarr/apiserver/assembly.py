"""The front of the API server, put together: everything between the wire and the verbs on resources."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from knarr.apiserver import reviews
from knarr.apiserver.admitting import admitted
from knarr.apiserver.aggregation import Aggregation
from knarr.apiserver.api import API
from knarr.apiserver.app import Application
from knarr.apiserver.authn.issuers import issuer_documents
from knarr.apiserver.authn.keys import AccountTokenRules
from knarr.apiserver.authn.table import Authentication, authenticator_of, bearers_of
from knarr.apiserver.authn.tokenrequests import TokenRequests
from knarr.apiserver.authz.configuration import Authorization
from knarr.apiserver.authz.table import DEFAULT, Configurable, authorizer_of
from knarr.apiserver.documents import Documents
from knarr.apiserver.flowcontrol.control import FlowControl
from knarr.apiserver.flowcontrol.dumps import dumps
from knarr.apiserver.health import Check, Checks
from knarr.apiserver.hooks import Stage, hooks
from knarr.apiserver.metrics.process import tell_of_process
from knarr.apiserver.metrics.storage import tell_of_storage
from knarr.apiserver.registry import Registry
from knarr.apiserver.streaming.kubelets import Kubelets
from knarr.apiserver.streaming.table import streaming
from knarr.apiserver.zpages import zpages

if TYPE_CHECKING:
    from knarr.apiserver.audit.auditing import Audit
    from knarr.apiserver.encryption.keeping import Encryption


@dataclass(frozen=True, slots=True)
class Security:
    """The server's keys, what it shows to kubelets, those of accounts' tokens; whom it believes, and who decides."""

    kubelet_tls: ssl.SSLContext
    accounts: AccountTokenRules
    authentication: Authentication = field(default_factory=Authentication)
    authorization: Authorization = DEFAULT
    front_proxy: tuple[Path, Path] | None = None  # our certificate and key for the servers of aggregated APIs


@dataclass(frozen=True, slots=True)
class Front:
    """The application for wire's server and for in-process transports, and what it has to be closed with."""

    application: Application
    kubelets: Kubelets
    aggregation: Aggregation
    authorizer: Configurable


def assemble(
    api: API,
    security: Security,
    founded: asyncio.Event,
    *,
    audit: Audit | None = None,
    encryption: Encryption | None = None,
) -> Front:
    """Put the chain before the resources. `founded` says that the cluster's own objects are there: until then, the
    server is not ready. `audit` is closed by who made it, when nothing is served any more; `encryption` is the store's.
    Raises ConfigFileError.
    """
    registry = api.registry
    registry.kinds.serve(*reviews.KINDS)

    clock, accounts, metrics = registry.clock, security.accounts, registry.metrics
    audiences = accounts.own_audiences
    tell_of_storage(metrics, registry.kinds, registry.cache)
    tell_of_process(metrics)
    if encryption:
        metrics.include(encryption.figures)
    authorizer, kubelets = authorizer_of(registry, security.authorization), Kubelets(registry, security.kubelet_tls)
    registry.authorizer, registry.roles = authorizer, authorizer.roles
    bearers = bearers_of(registry, accounts, security.authentication)
    requests = TokenRequests(registry, accounts)
    address = f"{registry.options.advertise_address}:{registry.options.advertise_port}"
    flow = FlowControl(registry)
    documents = {
        **issuer_documents(accounts, address),
        **dumps(flow, clock),
        **zpages(registry.options, accounts.issuers, clock),
    }
    aggregation = Aggregation(registry, *(security.front_proxy or ()))
    application = Application(
        authenticator=authenticator_of(registry, accounts, security.authentication, bearers),
        authorizer=authorizer,
        resources=api,
        documents=Documents(
            registry.kinds,
            _checks(registry, founded, aggregation.registered, encryption.checks() if encryption else {}),
            metrics,
            documents,
            aggregation.catalogue,
            address,
        ),
        metrics=metrics,
        clock=clock,
        flow=flow,
        elsewhere=aggregation.find,
        audit=audit,
        handlers={
            **admitted(api, {**streaming(registry, kubelets), ("serviceaccounts", "token"): requests.handle}),
            **reviews.reviews(reviews.Judges(registry, authorizer, bearers, audiences)),
        },
    )
    return Front(application, kubelets, aggregation, authorizer)


def _checks(
    registry: Registry, founded: asyncio.Event, registered: asyncio.Event, others: Mapping[str, Check]
) -> Checks:
    """What is asked at each of the health endpoints; the `others` at all of them."""
    loaded = _once(lambda: registry.cache.loads > 0, "the watch cache is not loaded")
    stages = {
        Stage.LOADED: loaded,
        Stage.FOUNDED: _once(founded.is_set, "the cluster's own objects are not there yet"),
        Stage.REGISTERED: _once(registered.is_set, "the APIServices are not there yet"),
    }
    store: Mapping[str, Check] = {"etcd": lambda: registry.cache.fault}
    ready = {"etcd-readiness": store["etcd"], "informer-sync": loaded}
    alive = {**store, **others, **hooks(stages)}
    return {"livez": alive, "healthz": alive, "readyz": {**store, **ready, **alive}}


def _once(true: Callable[[], bool], otherwise: str) -> Check:
    return lambda: "" if true() else otherwise
