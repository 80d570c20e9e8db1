"""The house is as it says: every table lists what is on disk, every command is documented, every right is granted."""

from __future__ import annotations

import ast
import pkgutil
import re
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import knarr
from knarr import cli, controllers
from knarr.api import kinds, rules
from knarr.api.kinds.table import KINDS
from knarr.api.rules.table import RULES
from knarr.apiserver import admission, effects
from knarr.apiserver.admission.table import PLUGINS as ADMISSION_PLUGINS
from knarr.apiserver.effects.table import EFFECTS
from knarr.apiserver.info import RequestInfo
from knarr.apiserver.reviews import KINDS as REVIEWS
from knarr.cli.command import Command
from knarr.cli.table import COMMANDS
from knarr.controllers.table import CONTROLLERS
from knarr.kubelet import probes, volumes
from knarr.kubelet.probes.table import CHECKS
from knarr.kubelet.volumes.table import CONTENTS, PLACES
from knarr.runtime.controller import Controller
from knarr.scheduler import plugins
from knarr.scheduler.table import PLUGINS as SCHEDULER_PLUGINS
from tests.rights import MANAGER, held

ROOT = Path(__file__).parents[2]
COMMANDS_PAGE = ROOT / "docs" / "commands.md"
FLAG = re.compile(r"--[a-z][a-z-]+")
CLI_HELPERS = frozenset({"command", "electing", "flags", "parsing", "parts", "reading", "storing"})

EVERY_COMMAND = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
EVERY_CONTROLLER = pytest.mark.parametrize("controller", CONTROLLERS, ids=lambda controller: controller.name)


@dataclass(frozen=True)
class Extensions:
    """A package in which a file is an extension if it declares one of these names; `listed` is what its table has."""

    package: ModuleType
    names: tuple[str, ...]
    listed: Sequence[object]
    helpers: frozenset[str] | None = frozenset()  # files that declare none; None: any may

    def declared(self) -> dict[str, list[object]]:
        """What each file of the package declares."""
        found = {}
        for module in pkgutil.iter_modules(self.package.__path__):
            if module.name != "table":
                loaded = import_module(f"{self.package.__name__}.{module.name}")
                found[module.name] = [value for name in self.names for value in _values(loaded, name)]
        return found


def _values(module: ModuleType, name: str) -> Sequence[object]:
    value = getattr(module, name, ())
    return value if isinstance(value, tuple) else (value,)


EVERY_EXTENSION = pytest.mark.parametrize(
    "extensions",
    [
        pytest.param(Extensions(kinds, ("KIND",), KINDS), id="kinds"),
        pytest.param(Extensions(rules, ("RULES",), RULES), id="rules"),
        pytest.param(
            Extensions(
                admission,
                ("PLUGIN",),
                ADMISSION_PLUGINS,
                frozenset({"admission", "matching", "plugin", "reinvoking", "replacing", "showing", "signers"}),
            ),
            id="admission",
        ),
        pytest.param(Extensions(effects, ("EFFECT",), EFFECTS, frozenset({"effect"})), id="effects"),
        pytest.param(Extensions(controllers, ("CONTROLLER",), CONTROLLERS, None), id="controllers"),
        pytest.param(Extensions(plugins, ("PLUGIN",), SCHEDULER_PLUGINS), id="scheduler plugins"),
        pytest.param(Extensions(volumes, ("PLACE", "CONTENT"), (*PLACES, *CONTENTS), None), id="volumes"),
        pytest.param(Extensions(probes, ("CHECK",), CHECKS, None), id="probes"),
        pytest.param(
            Extensions(cli, ("COMMAND",), COMMANDS, CLI_HELPERS),
            id="commands",
        ),
    ],
)


@EVERY_EXTENSION
def test_a_table_lists_what_is_on_disk(extensions: Extensions) -> None:
    declared = extensions.declared()
    on_disk = [id(value) for values in declared.values() for value in values]
    assert sorted(on_disk) == sorted(id(value) for value in extensions.listed)
    if extensions.helpers is not None:
        assert {name for name, values in declared.items() if not values} == extensions.helpers


@EVERY_EXTENSION
def test_extensions_do_not_know_their_siblings(extensions: Extensions) -> None:
    package, declared = extensions.package, extensions.declared()
    siblings = {f"{package.__name__}.{name}" for name, values in declared.items() if values}
    folder = Path(package.__path__[0])
    known = {name: _imported(folder / f"{name}.py") & siblings for name, values in declared.items() if values}
    assert {name: found for name, found in known.items() if found} == {}


@pytest.mark.parametrize("plugin", SCHEDULER_PLUGINS, ids=lambda plugin: plugin.name)
def test_a_scheduler_plugin_has_the_name_of_its_file(plugin: object) -> None:
    name = str(getattr(plugin, "name", ""))
    file = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    assert getattr(import_module(f"{plugins.__name__}.{file}"), "PLUGIN", None) is plugin


def test_effects_that_kinds_name_exist() -> None:
    named = {name for kind in KINDS for name in kind.effects}
    assert named - {"binding"} == {effect.name for effect in EFFECTS}  # a Binding is an effect and nothing else


@EVERY_COMMAND
def test_a_command_and_its_flags_are_documented(command: Command) -> None:
    page = COMMANDS_PAGE.read_text()
    parser = ArgumentParser(command.name)
    command.arguments(parser)
    flags = set(FLAG.findall(parser.format_help())) - {"--help"}
    assert [
        text for text in (f"`knarr {command.name}", *(f"`{flag}" for flag in sorted(flags))) if text not in page
    ] == []


def test_no_command_or_flag_is_documented_that_does_not_exist() -> None:
    flags = {"--help", "--version"}
    for command in COMMANDS:
        parser = ArgumentParser(command.name)
        command.arguments(parser)
        flags |= set(FLAG.findall(parser.format_help()))
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for line in page.read_text().splitlines():
            for name, rest in re.findall(r"`knarr ([a-z-]+)([^`]*)`", line):
                assert name in {command.name for command in COMMANDS}, page.name
                assert set(FLAG.findall(rest)) <= flags, page.name


@EVERY_CONTROLLER
def test_the_controller_manager_may_read_what_a_controller_watches(controller: Controller) -> None:
    roles = held(MANAGER)
    watched = [watch.resource for watch in controller.watches]
    asked = [_request(verb, each.qualified_resource) for each in watched for verb in ("list", "watch")]
    assert [each for each in asked if not any(role.allow(each) for role in roles)] == []


@EVERY_CONTROLLER
def test_a_controller_names_resources_that_are_served(controller: Controller) -> None:
    served = {kind.qualified_resource for kind in (*KINDS, *REVIEWS)} | {"*", "signers.certificates.k8s.io"}
    assert {re.split("[/=]", name)[0] for name in controller.may} <= served


@EVERY_CONTROLLER
def test_a_controller_does_what_upstream_lets_its_account_do(controller: Controller) -> None:
    roles = held(f"kube-system/{controller.identity}" if controller.identity else MANAGER)
    asked = [_request(verb, name) for name, verbs in controller.may.items() for verb in verbs.split()]
    assert [each for each in asked if not any(role.allow(each) for role in roles)] == []


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], ids=lambda page: page.name)
def test_files_that_the_documentation_names_exist(page: Path) -> None:
    text = page.read_text()
    files = {str(path) for path in ROOT.rglob("*.py") if ".venv" not in path.parts} if ".py`" in text else set()
    named = re.findall(r"`([\w/]+\.py)`", text)
    assert [name for name in named if not any(file.endswith(f"/{name}") for file in files)] == []
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_packages_say_what_they_are() -> None:
    folders = {path.parent for path in Path(knarr.__path__[0]).rglob("*.py")}
    silent = [str(folder) for folder in folders if not (folder / "__init__.py").read_text().startswith('"""')]
    assert silent == []


def _imported(file: Path) -> set[str]:
    """The modules that a file names in its imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _request(verb: str, right: str) -> RequestInfo:
    """One right of a `may`, asked for; `*` is any resource of any group."""
    address, _, name = right.partition("=")
    qualified, _, subresource = address.partition("/")
    resource, _, group = qualified.partition(".")
    group = "*" if resource == "*" else group
    return RequestInfo(verb, group, resource=resource, subresource=subresource, name=name, is_resource=True)
