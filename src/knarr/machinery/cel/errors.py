"""What can go wrong with an expression.

ValueError
├── CompileError        the expression is no CEL, or its types do not fit
└── CelError            evaluating it failed
    └── CostError       it would have cost more than it may
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong at one place of the source; line and column count from 1."""

    line: int
    column: int
    message: str

    def shown(self, source: str) -> str:
        """The issue with its line of source and a mark under the column, as cel-go prints it."""
        line = source.split("\n")[self.line - 1]
        return f"ERROR: <input>:{self.line}:{self.column}: {self.message}\n | {line}\n | {'.' * (self.column - 1)}^"


class CompileError(ValueError):
    """The expression does not compile; `str()` is upstream's text after `compilation failed: `."""

    def __init__(self, source: str, issues: Sequence[Issue]) -> None:
        self.issues = tuple(sorted(issues, key=lambda issue: (issue.line, issue.column)))
        super().__init__("\n".join(issue.shown(source) for issue in self.issues))


class CelError(ValueError):
    """Evaluation failed, in cel-go's words (`no such key: spec`)."""


class CostError(CelError):
    """Evaluation was stopped since it exceeded its cost limit."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")


def no_such_overload() -> CelError:
    return CelError("no such overload")


def no_such_key(key: object) -> CelError:
    return CelError(f"no such key: {key}")
