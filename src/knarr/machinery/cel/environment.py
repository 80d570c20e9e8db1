"""Where expressions are compiled, and what comes of it: the one door to the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from knarr.machinery.cel.adapting import adapter
from knarr.machinery.cel.checking import Checker
from knarr.machinery.cel.costs import Range, estimate
from knarr.machinery.cel.errors import CelError, CompileError, CostError
from knarr.machinery.cel.evaluating import Compiler
from knarr.machinery.cel.functions import Overload
from knarr.machinery.cel.libraries.table import FUNCTIONS
from knarr.machinery.cel.literals import bad_literals
from knarr.machinery.cel.nodes import Ident, Node, Select
from knarr.machinery.cel.parsing import RECURSION_LIMIT, issue_at, parse
from knarr.machinery.cel.types import CelType
from knarr.machinery.cel.walking import free, nodes
from knarr.machinery.laborious import LaboriousError

PER_CALL_LIMIT = 1_000_000  # cost units of one evaluation


@dataclass(slots=True)
class Budget:
    """What several evaluations together may still cost; `here`, what of it their caller has the time for now."""

    left: int
    here: int | None = None

    def spend(self, cost: int, prices: int = 0) -> None:
        """Raises CostError once more is spent than there was; `prices` are what takes no time."""
        self.left -= cost + prices
        if self.here is not None:
            self.here -= cost
        if self.left < 0:
            raise CostError


class Environment:
    """The variables that expressions may name, with their types; `structs` finds types of object literals by name,
    `functions` are more than every environment has, `bindings` says whether cel.bind() is there.

    Compiling is a function of the text alone, so programs may be shared and kept.
    """

    def __init__(
        self,
        variables: Mapping[str, CelType],
        structs: Callable[[str], CelType | None] | None = None,
        functions: Mapping[str, Sequence[Overload]] | None = None,
        *,
        bindings: bool = False,
    ) -> None:
        self.variables = dict(variables)
        self._structs = structs or (lambda name: None)
        self._functions = {**FUNCTIONS, **functions} if functions else FUNCTIONS
        self._bindings = bindings

    def extended(self, variables: Mapping[str, CelType]) -> Environment:
        """The same environment with more variables, or with others in their place."""
        found = Environment({**self.variables, **variables}, self._structs)
        found._functions, found._bindings = self._functions, self._bindings
        return found

    def compile(self, text: str) -> Program:
        """The program of an expression. Raises CompileError."""
        try:
            root = parse(text, bindings=self._bindings)
            checker = Checker(text, self.variables, self._functions, self._structs)
            checker.check(root)
        except RecursionError:
            message = f"expression recursion limit exceeded: {RECURSION_LIMIT}"
            raise CompileError(text, [issue_at(text, 0, message)]) from None
        if issues := checker.issues or list(bad_literals(text, root)):
            raise CompileError(text, issues)
        return Program(text, root, self.variables)


class Program:
    """A checked expression of type `type`. Immutable; evaluations do not disturb each other."""

    def __init__(self, text: str, root: Node, variables: Mapping[str, CelType]) -> None:
        self.text, self.type = text, root.type
        self._root = root
        self._variables = variables

    @cached_property
    def cost(self) -> Range:
        """The least and the most that an evaluation is estimated to cost."""
        return estimate(self._root)

    @cached_property
    def names(self) -> frozenset[str]:
        """The environment's variables that the expression mentions."""
        return frozenset(free(self._root)) & self._variables.keys()

    def selects(self, variable: str, field: str) -> bool:
        """Whether the expression reads this field of the variable anywhere."""
        chosen = (node for node in nodes(self._root) if isinstance(node, Select) and node.field == field)
        return any(isinstance(node.operand, Ident) and node.operand.name == variable for node in chosen)

    @cached_property
    def _code(self) -> tuple[Compiler, Any, list[tuple[int, str, Any]]]:
        slots = {name: index for index, name in enumerate(sorted(self.names), 1)}
        compiler = Compiler(slots)
        code = compiler.compile(self._root)
        return compiler, code, [(slot, name, adapter(self._variables[name])) for name, slot in slots.items()]

    def evaluate(self, bindings: Mapping[str, Any], budget: Budget | None = None, limit: int = PER_CALL_LIMIT) -> Any:
        """The value for these bindings, JSON trees by variable. What it costs is taken from the budget.

        Raises CelError; CostError where `limit` or the budget is exceeded. LaboriousError where it would take longer
        than the budget has time for here.
        """
        compiler, code, variables = self._code
        most = limit if budget is None or budget.here is None else min(limit, budget.here)
        frame: list[Any] = [most - compiler.cost, *[None] * (compiler.width - 1), limit]
        for slot, name, adapt in variables:
            if name not in bindings:
                raise CelError(f"no such attribute(s): {name}")
            frame[slot] = adapt(bindings[name]) if adapt else bindings[name]
        try:
            if frame[0] < 0:
                raise CostError
            found = code(frame)
            if most - frame[0] + limit - frame[-1] > limit:
                raise CostError
            return found
        except RecursionError:
            raise CelError("expression recursion limit exceeded") from None
        except CostError:
            if most == limit or frame[0] >= 0:
                raise
            frame[0], frame[-1] = most, limit  # nothing is charged for what is begun anew
            raise LaboriousError from None
        finally:
            if budget is not None:
                budget.spend(most - frame[0], limit - frame[-1])
