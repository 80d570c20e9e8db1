"""How the API server may be told who decides."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from knarr.apiserver.authz.configuration import Configured, Webhook
from knarr.apiserver.authz.table import DEFAULT
from knarr.cluster.apiserver.authorizers import authorization
from knarr.cluster.config import Config
from knarr.cluster.errors import UserError
from knarr.cluster.flags.authorization import Authorization
from knarr.cluster.flags.notation import File
from knarr.cluster.flags.table import APIFlags

FILE = File("/f")


@pytest.mark.parametrize(
    ("flags", "problems"),
    [
        pytest.param(Authorization(), [], id="none"),
        pytest.param(Authorization(authorization_mode=("Node", "RBAC")), [], id="the default, said"),
        pytest.param(
            Authorization(authorization_mode=("Rbac",)), ['authorization-mode "Rbac" is not a valid mode'], id="no mode"
        ),
        pytest.param(
            Authorization(authorization_mode=("RBAC", "RBAC")),
            ['authorization-mode ["RBAC" "RBAC"] has mode specified more than once'],
            id="twice",
        ),
        pytest.param(
            Authorization(authorization_mode=("ABAC",)),
            ["authorization-mode ABAC's authorization policy file not passed"],
            id="ABAC without policies",
        ),
        pytest.param(
            Authorization(authorization_policy_file=FILE),
            ["cannot specify --authorization-policy-file without mode ABAC"],
            id="policies without ABAC",
        ),
        pytest.param(
            Authorization(authorization_mode=("Webhook",)),
            ["authorization-mode Webhook's authorization config file not passed"],
            id="a webhook without its file",
        ),
        pytest.param(
            Authorization(authorization_webhook_config_file=FILE),
            ["cannot specify --authorization-webhook-config-file without mode Webhook"],
            id="a webhook's file without it",
        ),
        pytest.param(
            Authorization(authorization_webhook_version="v2"),
            ['unsupported webhook authorizer version "v2", supported versions are "v1", "v1beta1"'],
            id="no version",
        ),
        pytest.param(
            Authorization(authorization_config=FILE, authorization_policy_file=FILE), [], id="a file, and ABAC's"
        ),
        pytest.param(
            Authorization(authorization_config=FILE, authorization_mode=("RBAC",)),
            [
                "--authorization-config can not be specified when --authorization-mode or "
                "--authorization-webhook-* flags are defined"
            ],
            id="a file beside modes",
        ),
    ],
)
def test_problems(flags: Authorization, problems: list[str]) -> None:
    assert flags.problems() == problems


def told(tmp_path: Path, **flags: object) -> Config:
    api = APIFlags(authorization=msgspec.structs.replace(Authorization(), **flags))
    return Config(data=str(tmp_path), api=api)


def test_nothing_said_is_the_default(tmp_path: Path) -> None:
    assert authorization(told(tmp_path)) is DEFAULT


def test_a_webhook_by_flags(tmp_path: Path) -> None:
    config = told(
        tmp_path,
        authorization_mode=("Webhook", "RBAC"),
        authorization_webhook_config_file=FILE,
        authorization_webhook_version="v1",
        authorization_webhook_cache_authorized_ttl=7.0,
        authorization_webhook_cache_unauthorized_ttl=0.0,
    )
    webhook = Webhook(Path("/f"), "v1", 30, False, 7, 0)
    assert authorization(config).authorizers == (Configured("Webhook", "default", webhook), Configured("RBAC", "rbac"))


def test_a_file_that_cannot_be_is_a_persons_business(tmp_path: Path) -> None:
    file = tmp_path / "authz.yaml"
    file.write_text("kind: AuthorizationConfiguration\napiVersion: apiserver.config.k8s.io/v1\nauthorizers: []\n")
    with pytest.raises(UserError, match=rf"^--authorization-config: {file}: authorizers: Required value"):
        authorization(told(tmp_path, authorization_config=File(str(file))))
