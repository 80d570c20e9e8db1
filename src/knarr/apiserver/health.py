"""/livez, /readyz and /healthz: named checks, as probes and `kubectl get --raw '/readyz?verbose'` read them.

https://kubernetes.io/docs/reference/using-api/health-checks/
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from knarr.apiserver.answers import NOT_FOUND, plain_answer
from knarr.machinery.figures import Family, Figures
from knarr.wire.messages import Request, Response

log = logging.getLogger(__name__)

Check = Callable[[], str]  # what is wrong, for the log; empty when all is well
Checks = Mapping[str, Mapping[str, Check]]  # by endpoint and name

ENDPOINTS = ("healthz", "livez", "readyz")
LATEST = Family(
    "kubernetes_healthcheck", "gauge", "This metric records the result of a single healthcheck.", ("name", "type")
)
RESULTS = Family(
    "kubernetes_healthchecks_total",
    "counter",
    "This metric records the results of all healthcheck.",
    ("name", "status", "type"),
)


class Health:
    """Answers one health endpoint's path from its table of checks."""

    def __init__(self, checks: Checks) -> None:
        """`checks`: for each of ENDPOINTS its checks by name; `ping`, `log` (what it says goes to standard error, where
        nothing can hold it up) and of the ready `shutdown` are there anyway. `figures` tell what they came to.
        """
        self.stopping = False
        self.figures = Figures()
        self._checks = {name: {"ping": _well, "log": _well, **checks.get(name, {})} for name in ENDPOINTS}
        self._checks["readyz"]["shutdown"] = lambda: "the server is shutting down" if self.stopping else ""
        self._told: dict[tuple[str, str], str] = {}

    def paths(self) -> list[str]:
        """Every path that is answered."""
        return [
            path for name in ENDPOINTS for path in (f"/{name}", *(f"/{name}/{check}" for check in self._checks[name]))
        ]

    def answer(self, request: Request) -> Response:
        _, endpoint, *rest = request.path.rstrip("/").split("/")
        checks = self._checks[endpoint]
        if rest:
            return self._one(endpoint, "/".join(rest), checks)
        parameters = request.parameters()
        return self._all(endpoint, checks, set(parameters.get("exclude", ())), verbose="verbose" in parameters)

    def _ask(self, endpoint: str, name: str, check: Check) -> str:
        """What is wrong; the log is told once, not at every knock of somebody who waits."""
        fault = check()
        if fault and self._told.get((endpoint, name)) != fault:
            log.warning("%s: %s failed: %s", endpoint, name, fault)
        self._told[endpoint, name] = fault
        self.figures.count(LATEST, (name, endpoint)).n = 0 if fault else 1
        self.figures.count(RESULTS, (name, "error" if fault else "success", endpoint)).n += 1
        return fault

    def _all(self, endpoint: str, checks: Mapping[str, Check], excluded: set[str], *, verbose: bool) -> Response:
        lines, failed = [], []
        for name, check in checks.items():
            if name in excluded:
                lines.append(f"[+]{name} excluded: ok")
            elif self._ask(endpoint, name, check):
                failed.append(name)
                lines.append(f"[-]{name} failed: reason withheld")
            else:
                lines.append(f"[+]{name} ok")
        if unknown := excluded - checks.keys():
            listed = ", ".join(f'"{name}"' for name in sorted(unknown))
            lines.append(f"warn: some health checks cannot be excluded: no matches for {listed}")
        if failed:
            return plain_answer("\n".join([*lines, f"{endpoint} check failed", ""]), 500)
        text = "\n".join([*lines, f"{endpoint} check passed", ""]) if verbose else "ok"
        return plain_answer(text)

    def _one(self, endpoint: str, name: str, checks: Mapping[str, Check]) -> Response:
        if name not in checks:
            return NOT_FOUND
        if self._ask(endpoint, name, checks[name]):
            return plain_answer("internal server error: reason withheld\n", 500)
        return plain_answer("ok")


def _well() -> str:
    return ""
