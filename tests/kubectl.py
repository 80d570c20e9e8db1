"""kubectl for tests: the real one, in every version that the machine has."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 60.0  # seconds for one command


def installed() -> list[Path]:
    """The kubectls of this machine, oldest first: the siblings of the one on the PATH that carry a version."""
    main = shutil.which("kubectl")
    if main is None:
        raise RuntimeError("kubectl is not installed; the tests drive the real one")
    siblings = Path(main).resolve().parent.glob("kubectl.1.*")
    versioned = sorted(siblings, key=lambda path: [int(part) for part in re.findall(r"\d+", path.name)])
    return versioned or [Path(main)]


def newest() -> Path:
    return installed()[-1]


class KubectlError(AssertionError):
    """A command that failed: its exit code and all that it said."""


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl against one cluster, in one namespace ("": each object's own)."""

    kubeconfig: Path
    namespace: str = "default"
    binary: Path = field(default_factory=newest)

    def __call__(self, *arguments: str, stdin: str | None = None, patience: float = PATIENCE) -> str:
        """Its standard output. Raises KubectlError when it fails."""
        done = self.run(*arguments, stdin=stdin, patience=patience)
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def run(
        self,
        *arguments: str,
        stdin: str | None = None,
        patience: float = PATIENCE,
        environment: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Everything about one run, failed or not."""
        return subprocess.run(
            [*self.command, *arguments],
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            timeout=patience,
            env=self.environment | (environment or {}),
            check=False,
        )

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """A kubectl that goes on: a watch, a followed log."""
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        return subprocess.Popen([*self.command, *arguments], text=True, env=self.environment, **{**streams, **options})

    @property
    def command(self) -> list[str]:
        return [str(self.binary), *(["--namespace", self.namespace] if self.namespace else [])]

    @property
    def environment(self) -> dict[str, str]:
        # the discovery cache below HOME must not be shared: clusters of tests come and go at the same address
        home = self.kubeconfig.parent
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(home), "KUBECACHEDIR": f"{home}/cache"}

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "-o", "json"))

    def apply(self, manifest: str | Path) -> str:
        """Apply a file, or a text."""
        if isinstance(manifest, Path):
            return self("apply", "-f", str(manifest))
        return self("apply", "-f", "-", stdin=manifest)

    def wait(self, *arguments: str, patience: float = PATIENCE) -> str:
        return self("wait", *arguments, f"--timeout={patience:.0f}s", patience=patience + 10)

    def until(self, expected: str, *arguments: str, patience: float = PATIENCE) -> str:
        """Run again and again until the output is as expected (a regular expression, in full); returns it."""
        deadline = time.monotonic() + patience
        while True:
            done = self.run(*arguments)
            if re.fullmatch(expected, done.stdout.strip(), re.DOTALL):
                return done.stdout
            if time.monotonic() > deadline:
                raise KubectlError(f"kubectl {' '.join(arguments)}: still\n{done.stdout}{done.stderr}")
            time.sleep(0.1)

    def pods(self, selector: str) -> Sequence[dict[str, Any]]:
        """The Pods that a label selector matches, those being deleted left out."""
        found: list[dict[str, Any]] = self.json("get", "pods", "-l", selector)["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
