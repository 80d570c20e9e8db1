"""What expressions of admission evaluate to: each of their variables is made when it is first read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from knarr.api.kind import JSON
from knarr.apiserver.admission.matching import Match
from knarr.apiserver.admission.plugin import Attributes
from knarr.apiserver.admission.showing import converter_of, described, shown, shown_tree
from knarr.apiserver.aside import UnansweredError, on_loop
from knarr.apiserver.authn.users import User, service_account
from knarr.apiserver.authz.authorizer import Authorizer as Judge
from knarr.apiserver.authz.authorizer import Decision, Verdict
from knarr.apiserver.info import RequestInfo
from knarr.machinery import cel
from knarr.machinery.cel import Budget, CelError, CostError, Program
from knarr.machinery.cel.libraries.authorizers import ResourceCheck
from knarr.machinery.errors import aggregate

BUDGET = 10_000_000  # cost units of all expressions of one policy, for one write and one object of parameters
CONDITIONS_BUDGET = BUDGET // 4  # of its match conditions
_METADATA = (
    *("name", "generateName", "namespace", "uid", "resourceVersion", "generation"),
    *("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "finalizers"),
)


class EvaluationError(Exception):
    """An expression that could not be evaluated; it says which."""


class BudgetError(EvaluationError):
    """The policy has used up what it may."""

    def __init__(self) -> None:
        super().__init__("validation failed due to running out of cost budget, no further validation rules will be run")


class _Made(dict[str, Any]):
    """Values by name, each made when it is first read."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        super().__init__()
        self._makers = makers

    def __missing__(self, name: str) -> Any:
        self[name] = made = self._makers[name]()
        return made

    def __contains__(self, name: object) -> bool:
        return name in self._makers


class Subject:
    """One write as expressions see it, in the form of one match: made once for all policies that match so.

    `trees` are the object and the old one, where somebody else has put them into that form.
    """

    def __init__(
        self,
        attributes: Attributes,
        match: Match,
        judge: Judge | None,
        trees: tuple[JSON | None, JSON | None] | None = None,
    ) -> None:
        self._attributes, self._match, self._judge, self._trees = attributes, match, judge, trees

    @cached_property
    def object(self) -> JSON | None:
        return self._trees[0] if self._trees else self._seen(self._attributes.object)

    @cached_property
    def old(self) -> JSON | None:
        return self._trees[1] if self._trees else self._seen(self._attributes.old)

    def _seen(self, tree: JSON | None) -> JSON | None:
        """Expressions change nothing, so that only another version has to be a copy."""
        attributes = self._attributes
        if tree is None or attributes.form:
            return tree
        if self._match.version.from_storage:
            return shown_tree(tree, attributes, self._match)
        revision = {"resourceVersion": str(attributes.revision)} if attributes.revision else {}
        return {**tree, "metadata": {**revision, **tree["metadata"]}} if revision else tree

    @cached_property
    def request(self) -> JSON:
        return described(self._attributes, self._match)

    @cached_property
    def namespace(self) -> JSON | None:
        """The namespace written to, as far as it is shown; none for a Namespace itself."""
        attributes = self._attributes
        if not attributes.namespace or attributes.kind.qualified_resource == "namespaces":
            return None
        found = on_loop(attributes.lister.get, "", "namespaces", "", attributes.namespace)
        if found is None:
            return None
        metadata = {name: found["metadata"][name] for name in _METADATA if name in found["metadata"]}
        return {"metadata": metadata, "spec": found.get("spec") or {}, "status": found.get("status") or {}}

    @cached_property
    def authorizer(self) -> cel.Authorizer:
        decisions: dict[cel.Attributes, cel.Decision] = {}

        def decide(asked: cel.Attributes) -> cel.Decision:
            if asked not in decisions:
                decision = on_loop(self._decide, asked)
                if decision is None:
                    raise UnansweredError(lambda: learn(asked))
                decisions[asked] = decision
            return decisions[asked]

        async def learn(asked: cel.Attributes) -> None:
            if self._judge is not None:
                decisions[asked] = _shown(await self._judge.authorize(*self._question(asked)))

        return cel.Authorizer(decide)

    @cached_property
    def request_resource(self) -> ResourceCheck:
        """The authorizer, asked about what is written."""
        attributes = self._attributes
        asked = cel.Attributes(
            group=attributes.kind.group,
            resource=attributes.kind.plural,
            subresource=attributes.subresource,
            namespace=attributes.namespace,
            name=attributes.name,
        )
        return ResourceCheck(self.authorizer.decide, asked)

    def _decide(self, asked: cel.Attributes) -> cel.Decision | None:
        """The decision, if nobody has to be waited for."""
        if self._judge is None:
            return cel.Decision(allowed=False, error="there is no authorizer")
        decision = self._judge.at_once(*self._question(asked))
        return _shown(decision) if decision else None

    def _question(self, asked: cel.Attributes) -> tuple[User, RequestInfo]:
        return service_account(*asked.account) if asked.account else self._attributes.user, _request(asked)


async def subject_of(attributes: Attributes, match: Match, judge: Judge | None) -> Subject:
    """The write in the form of the match. Raises APIError where somebody has to convert it, and cannot."""
    trees = await shown(attributes, match) if converter_of(attributes, match) else None
    return Subject(attributes, match, judge, trees)


def _shown(decision: Decision) -> cel.Decision:
    return cel.Decision(decision.verdict is Verdict.ALLOW, decision.reason, decision.error)


def _request(asked: cel.Attributes) -> RequestInfo:
    if asked.path:
        return RequestInfo(asked.verb, path=asked.path)
    return RequestInfo(
        asked.verb,
        group=asked.group,
        version="*",
        resource=asked.resource,
        subresource=asked.subresource,
        namespace=asked.namespace,
        name=asked.name,
        is_resource=True,
        field_selector=asked.field_selector,
        label_selector=asked.label_selector,
    )


class Evaluation:
    """The expressions of one policy about one subject, with one object of parameters, out of one budget; of this, what
    may be spent `here` (None: all of it).
    """

    def __init__(
        self,
        subject: Subject,
        param: JSON | None,
        variables: Sequence[tuple[str, Program]] = (),
        budget: int = BUDGET,
        here: int | None = None,
    ) -> None:
        self.budget = Budget(budget, here)
        own = {name: self._variable(name, program) for name, program in variables}
        self._bindings = _Made(
            {
                "object": lambda: subject.object,
                "oldObject": lambda: subject.old,
                "request": lambda: subject.request,
                "namespaceObject": lambda: subject.namespace,
                "params": lambda: param,
                "authorizer": lambda: subject.authorizer,
                "authorizer.requestResource": lambda: subject.request_resource,
                "variables": lambda: _Made(own),
            }
        )

    def value(self, program: Program) -> Any:
        """What an expression evaluates to. Raises EvaluationError; BudgetError once there is nothing left, and
        LaboriousError where that takes too long here.
        """
        try:
            found = program.evaluate(self._bindings, self.budget)
        except CelError as error:
            if isinstance(error, CostError) and self.budget.left < 0:
                raise BudgetError from None
            raise EvaluationError(f"expression '{program.text}' resulted in error: {error}") from None
        return found

    def _variable(self, name: str, program: Program) -> Callable[[], Any]:
        def make() -> Any:
            try:
                return program.evaluate(self._bindings, self.budget)
            except CostError:
                raise
            except CelError as error:
                raise CelError(f'composited variable "{name}" fails to evaluate: {error}') from None

        return make


def meets(conditions: Sequence[Program], evaluation: Evaluation) -> bool:
    """Whether all hold. One that does not outweighs errors of others. Raises EvaluationError."""
    failed: list[EvaluationError] = []
    for condition in conditions:
        try:
            if not evaluation.value(condition):
                return False
        except BudgetError:
            raise
        except EvaluationError as error:
            failed.append(error)
    if failed:
        raise EvaluationError(aggregate([str(error) for error in failed]))
    return True
