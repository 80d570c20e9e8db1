"""Files as people write them, and what is said of the wrong ones."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from knarr.api.kinds.table import KINDS
from knarr.apiserver.configfiles import ConfigFileError
from knarr.apiserver.encryption.building import KMS_V1, Rules, build
from knarr.apiserver.encryption.configuration import KMS, read
from knarr.apiserver.encryption.validation import problems
from knarr.storage.sealing.providers import Identity, Provider

JSON = dict[str, Any]
GOOD = base64.b64encode(bytes(32)).decode()
IDENTITY: JSON = {"identity": {}}
HEAD = "kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\n"
OVERLAP = (
    "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be "
    "masked"
)


def keys(provider: str, *secrets: str, name: str = "k") -> JSON:
    return {provider: {"keys": [{"name": name, "secret": secret} for secret in secrets]}}


def kms(**fields: Any) -> JSON:
    return {"kms": {"apiVersion": "v2", "name": "p", "endpoint": "unix:///tmp/p.sock", **fields}}


def rule(*resources: str, providers: Any = (IDENTITY,)) -> JSON:
    return {"resources": list(resources), "providers": list(providers)}


def file(*rules: JSON) -> bytes:
    tree = {"kind": "EncryptionConfiguration", "apiVersion": "apiserver.config.k8s.io/v1", "resources": list(rules)}
    return msgspec.json.encode(tree)


def provided(*providers: JSON) -> bytes:
    return file(rule("secrets", providers=providers))


FIRST, SECOND = "resources[0].providers[0]", "resources[0].providers[1]"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            provided(*(keys(name, GOOD) for name in ("aescbc", "aesgcm", "secretbox")), IDENTITY), [], id="good"
        ),
        pytest.param(provided(kms()), [], id="a good plugin"),
        pytest.param(file(), ["resources: Required value: at least one resources is required"], id="nothing"),
        pytest.param(
            file(rule()),
            ["resources[0].resources: Required value: at least one resources[0].resources is required"],
            id="no resources",
        ),
        pytest.param(
            file(rule("secrets", providers=())),
            ["resources[0].providers: Required value: at least one resources[0].providers is required"],
            id="no providers",
        ),
        pytest.param(
            provided({}),
            [
                f"{FIRST}: Invalid value: provider does not contain any of the expected providers: KMS, AESGCM, "
                "AESCBC, Secretbox, Identity"
            ],
            id="an empty provider",
        ),
        pytest.param(
            provided({**IDENTITY, **keys("aesgcm", GOOD)}),
            [
                f"{FIRST}: Invalid value: more than one provider specified in a single element, should split into "
                "different list elements"
            ],
            id="two providers in one",
        ),
        pytest.param(
            provided({"aesgcm": {}}),
            [f"{FIRST}.aesgcm.keys: Required value: at least one keys is required"],
            id="no keys",
        ),
        pytest.param(
            provided({"aescbc": {"keys": [{}]}}),
            [
                f"{FIRST}.aescbc.keys[0].name: Required value: name is a mandatory field for a key",
                f"{FIRST}.aescbc.keys[0].secret: Required value: secret is a mandatory field for a key",
            ],
            id="a key without anything",
        ),
        pytest.param(
            provided(keys("secretbox", "no base64")),
            [f'{FIRST}.secretbox.keys[0].secret: Invalid value: "REDACTED": secrets must be base64 encoded'],
            id="a key that is no base64",
        ),
        pytest.param(
            provided(keys("aesgcm", GOOD, "c2hvcnQ=")),
            [
                f'{FIRST}.aesgcm.keys[1].secret: Invalid value: "REDACTED": secret is not of the expected length, '
                "got 5, expected one of [16 24 32]"
            ],
            id="a key that is too short",
        ),
        pytest.param(
            provided(keys("secretbox", base64.b64encode(bytes(16)).decode())),
            [
                f'{FIRST}.secretbox.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, '
                "got 16, expected one of [32]"
            ],
            id="a key that is too short for secretbox",
        ),
        pytest.param(
            file(rule("secrets", "secrets")),
            [
                'resources[0].resources: Invalid value: ["secrets","secrets"]: the same resource cannot be specified '
                "multiple times"
            ],
            id="a resource twice",
        ),
        pytest.param(
            file(rule("secrets", "*.")),
            [f'resources[0].resources: Invalid value: ["secrets","*."]: {OVERLAP}'],
            id="a resource and its group",
        ),
        pytest.param(
            file(rule("*.*", "pods")),
            [f'resources[0].resources: Invalid value: ["*.*","pods"]: {OVERLAP}'],
            id="a resource and everything",
        ),
        pytest.param(
            provided(kms(name="", endpoint="", timeout="0s", cachesize=5)),
            [
                f"{FIRST}.kms.name: Required value: name is a mandatory field for a provider",
                f'{FIRST}.kms.timeout: Invalid value: "0s": timeout should be a positive value',
                f'{FIRST}.kms.endpoint: Invalid value: "": endpoint is a mandatory field for a kms',
                f"{FIRST}.kms.cachesize: Invalid value: 5: cachesize is not supported in v2",
            ],
            id="a plugin without anything",
        ),
        pytest.param(
            provided(kms(name="a:b"), kms(name="a:b", endpoint="https://x", apiVersion="v3")),
            [
                f"{FIRST}.kms.name: Invalid value: \"a:b\": invalid KMS provider name a:b, must not contain ':'",
                f"{SECOND}.kms.name: Invalid value: \"a:b\": invalid KMS provider name a:b, must not contain ':'",
                f'{SECOND}.kms.name: Invalid value: "a:b": duplicate KMS provider name a:b, names must be unique',
                f'{SECOND}.kms.endpoint: Invalid value: "https://x": unsupported scheme "https" for KMS '
                "provider, only unix is supported",
                f'{SECOND}.kms.apiVersion: Invalid value: "v3": unsupported apiVersion apiVersion for KMS '
                "provider, only v1 and v2 are supported",
            ],
            id="plugins of the same name, and of none that can be",
        ),
    ],
)
def test_what_is_wrong(content: bytes, expected: list[str]) -> None:
    assert [str(problem) for problem in problems(read(content), reload=False)] == expected


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Secrets", "resource name should not contain capital letters"),
        ("*", "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"),
        ("serviceipallocations", "resources which do not have REST API/s cannot be encrypted"),
        (
            "events.events.k8s.io",
            "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the "
            "config file",
        ),
        ("ingresses.extensions", "'extensions' group has been removed and cannot be used for encryption"),
        ("pods.*", "encrypting the same resource across groups is not supported"),
    ],
)
def test_names_that_cannot_be(name: str, why: str) -> None:
    (problem,) = problems(read(file(rule(name))), reload=False)
    assert str(problem) == f'resources[0].resources[0]: Invalid value: "{name}": {why}'


@pytest.mark.parametrize(
    ("endpoint", "good"),
    [("unix:///a/b.sock", True), ("unix:///@name", True), ("unix:name", False), ("unix://name", False)],
)
def test_endpoints(endpoint: str, good: bool) -> None:
    found = [str(problem) for problem in problems(read(provided(kms(endpoint=endpoint))), reload=False)]
    why = "invalid endpoint for kms provider, error: it names no socket"
    assert found == ([] if good else [f'{FIRST}.kms.endpoint: Invalid value: "{endpoint}": {why}'])


@pytest.mark.parametrize(("reload", "count"), [(False, 0), (True, 1)])
def test_plugins_of_v1_may_share_a_name_unless_the_file_is_followed(reload: bool, count: int) -> None:
    plugin = kms(apiVersion="v1")
    assert len(problems(read(provided(plugin, plugin)), reload=reload)) == count


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"kind: EncryptionConfiguration", "Object 'apiVersion' is missing", id="no version"),
        pytest.param(
            f"{HEAD}resources:\n- resources: [secrets]\n  provider: []\n".encode(),
            'strict decoding error: unknown field "resources[0].provider"',
            id="an unknown field",
        ),
        pytest.param(
            f"{HEAD}resources: []\nresources: []\n".encode(),
            'line 4: key "resources" already set in map',
            id="a field twice",
        ),
        pytest.param(
            f"{HEAD}resources:\n- resources: secrets\n".encode(),
            "resources[0].resources: Expected `array`, got `str`",
            id="another type",
        ),
    ],
)
def test_what_is_no_such_file(content: bytes, why: str) -> None:
    with pytest.raises(ConfigFileError) as refused:
        read(content)
    assert str(refused.value) == f"failed decoding: {why}"


def test_a_null_is_nothing() -> None:
    found = read(provided({**keys("aesgcm", GOOD), "kms": None}))
    assert problems(found, reload=False) == []


def test_a_key_is_in_nothing_that_is_printed() -> None:
    assert GOOD not in repr(read(provided(keys("aesgcm", GOOD))))


def built(*rules: JSON) -> Rules:
    def plugin(kms: KMS) -> Provider:
        raise AssertionError

    return build(read(file(*rules)), KINDS, plugin)


@pytest.mark.parametrize(
    ("key", "by"),
    [
        pytest.param("/registry/secrets/default/a", "exact", id="a resource that is named"),
        pytest.param("/registry/configmaps/default/a", "core", id="one of its group"),
        pytest.param("/registry/services/specs/default/a", "core", id="kept elsewhere than it is called"),
        pytest.param("/registry/events/default/a", "core", id="in several groups: the core's"),
        pytest.param("/registry/deployments/default/a", "apps", id="another group"),
        pytest.param("/registry/roles/default/a", "all", id="anything"),
        pytest.param("/registry/example.com/things/default/a", "things", id="a custom resource"),
        pytest.param("/registry/example.com/others/a", "all", id="another custom resource"),
        pytest.param("/registry/masterleases/10.0.0.1", None, id="no resource"),
        pytest.param("/registry/ranges/serviceips", None, id="an allocation"),
        pytest.param("/elsewhere/secrets/default/a", None, id="another program's"),
    ],
)
def test_a_key_s_rule(key: str, by: str | None) -> None:
    """Told by the error of what has no prefix that fits."""
    rules = built(
        rule("secrets", providers=[keys("aesgcm", GOOD, name="exact")]),
        rule("*.", providers=[keys("aesgcm", GOOD, name="core")]),
        rule("*.apps", providers=[keys("aesgcm", GOOD, name="apps")]),
        rule("things.example.com", providers=[keys("aesgcm", GOOD, name="things")]),
        rule("*.*", providers=[keys("aesgcm", GOOD, name="all")]),
    )
    found = rules.of(key)
    assert (found and found.seal(b"", b"").split(b":")[4].decode()) == by


def test_rules_of_one_resource_add_up() -> None:
    rules = built(rule("secrets", providers=[keys("aesgcm", GOOD)]), rule("secrets"))
    found = rules.of("/registry/secrets/a/b")
    assert found and found.open(b"{}", b"") == (b"{}", True)


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ([rule("*."), rule("secrets")], 'resource "secrets" is masked by earlier rule "*."'),
        ([rule("*.*"), rule("*.apps")], 'resource "*.apps" is masked by earlier rule "*.*"'),
        ([rule("*.apps"), rule("*.apps")], 'resource "*.apps" is masked by earlier rule "*.apps"'),
        pytest.param([rule("secrets", providers=[kms(apiVersion="v1")])], KMS_V1, id="KMS v1"),
    ],
)
def test_what_cannot_be_built(rules: list[JSON], why: str) -> None:
    with pytest.raises(ConfigFileError) as refused:
        built(*rules)
    assert str(refused.value) == why


def test_identity_is_as_good_as_nothing() -> None:
    found = built(rule("secrets")).of("/registry/secrets/a/b")
    assert found and found.seal(b"{}", b"") == b"{}" == Identity().seal(b"{}", b"")
