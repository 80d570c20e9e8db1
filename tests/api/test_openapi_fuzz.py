"""The API held against its own OpenAPI: requests made up from the published documents never meet an internal error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import openapi

from knarr.api.kinds.table import KINDS
from tests.api.processes import ServerProcess, server_process
from tests.api.specimens import SPECIMENS

NAME, NAMESPACE = "x", "default"
GROUPS = sorted({f"apis/{kind.group}/{v.name}" if kind.group else "api/v1" for kind in KINDS for v in kind.versions})
_CONNECTIONS = ("/proxy", "/proxy/{path}", "/exec", "/attach", "/portforward", "/log")
_LENGTHS = {"get": 2, "delete": 2, "post": 4, "put": 4, "patch": 4}  # examples of each operation


@dataclass(frozen=True)
class Target:
    """A server with one object of every kind, all of the same name."""

    process: ServerProcess
    session: requests.Session

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.process.config.api_port}"

    def send(self, case: Any) -> requests.Response:
        """Send a case, aimed at what is there; nothing is deleted for good, and no watch goes on."""
        case.path_parameters.update({name: _AIM[name] for name in case.path_parameters if name in _AIM})
        case.query.pop("watch", None)
        if case.operation.method == "delete":
            case.query["dryRun"] = "All"
        options = case.as_transport_kwargs(base_url=self.url)
        options.pop("cookies", None)
        return self.session.request(timeout=30, **options)


_AIM = {"name": NAME, "namespace": NAMESPACE}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with server_process(tmp_path_factory.mktemp("fuzzed")) as process, requests.Session() as session:
        pki = process.config.pki
        session.trust_env = False
        session.verify, session.cert = str(pki / "ca.crt"), (str(pki / "admin.crt"), str(pki / "admin.key"))
        found = Target(process, session)
        for address, body in SPECIMENS.items():
            base, _, plural = address.partition(" ")
            for path in (f"{base}/namespaces/{NAMESPACE}/{plural}", f"{base}/{plural}"):
                session.post(f"{found.url}/{path}", json={**body, "metadata": {"name": NAME}})
        yield found


@pytest.mark.parametrize("group", GROUPS)
def test_no_request_that_the_documents_describe_is_an_internal_error(target: Target, group: str) -> None:
    document = target.session.get(f"{target.url}/openapi/v3/{group}").json()
    failures: list[str] = []
    for result in openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        if not operation.path.endswith(_CONNECTIONS) and "/watch/" not in operation.path:
            _ask(target, operation, failures)
    assert failures == []
    assert "Traceback" not in target.process.said()


def _ask(target: Target, operation: Any, failures: list[str]) -> None:
    @seed(1)
    @settings(
        max_examples=_LENGTHS.get(operation.method, 1),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        answer = target.send(case)
        if answer.status_code >= 500:
            failures.append(f"{case.as_curl_command()}\n{answer.text}")

    ask()
