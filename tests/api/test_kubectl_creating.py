"""kubectl's generators: each makes an object that a user finds again as described."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.api.certificates import Authority
from tests.kubectl import Kubectl

GENERATED = [
    (["deployment", "web", "--image=nginx:1", "--replicas=0", "--port=80"], "deployment.apps/web", ""),
    (["job", "once", "--image=busybox", "--", "date"], "job.batch/once", ""),
    (["cronjob", "often", "--image=busybox", "--schedule=*/5 * * * *", "--", "date"], "cronjob.batch/often", ""),
    (["configmap", "settings", "--from-literal=a=b"], "configmap/settings", "{.data.a}=b"),
    (["secret", "generic", "word", "--from-literal=a=b"], "secret/word", "{.data.a}=Yg=="),
    (["service", "clusterip", "inside", "--tcp=80:8080"], "service/inside", "{.spec.ports[0].targetPort}=8080"),
    (["service", "clusterip", "headless", "--clusterip=None"], "service/headless", "{.spec.clusterIP}=None"),
    (["service", "externalname", "away", "--external-name=example.com"], "service/away", "{.spec.clusterIP}="),
    (["service", "nodeport", "outside", "--tcp=80"], "service/outside", "{.spec.type}=NodePort"),
    (["service", "loadbalancer", "spread", "--tcp=80"], "service/spread", "{.status.loadBalancer}={}"),
    (["serviceaccount", "robot"], "serviceaccount/robot", "{.metadata.name}=robot"),
    (["quota", "limits", "--hard=pods=10,cpu=2"], "resourcequota/limits", "{.spec.hard.pods}=10"),
    (["role", "reader", "--verb=get", "--resource=pods"], "role.rbac.authorization.k8s.io/reader", ""),
    (["rolebinding", "readers", "--role=reader", "--user=joe"], "rolebinding.rbac.authorization.k8s.io/readers", ""),
    (["ingress", "door", "--rule=foo.com/*=web:80"], "ingress.networking.k8s.io/door", "{.spec.rules[0].host}=foo.com"),
    (["pdb", "most", "--selector=app=web", "--min-available=1"], "poddisruptionbudget.policy/most", ""),
]


@pytest.mark.parametrize(("arguments", "made", "field"), GENERATED, ids=[made for _, made, _ in GENERATED])
def test_create(kubectl: Kubectl, arguments: list[str], made: str, field: str) -> None:
    assert kubectl("create", *arguments) == f"{made} created\n"
    path, _, value = field.partition("=")
    assert kubectl("get", made, "-o", f"jsonpath={path}" if field else "name") == (value if field else f"{made}\n")


def test_create_what_has_no_namespace(kubectl: Kubectl) -> None:
    own = kubectl.namespace
    for sort, *flags in (
        ("clusterrole", "--verb=get", "--resource=nodes"),
        ("clusterrolebinding", "--clusterrole=any", "--user=joe"),
        ("priorityclass", "--value=1000", "--description=x"),
        ("namespace",),
    ):
        assert kubectl("create", sort, f"{own}-b", *flags).endswith(f"/{own}-b created\n")
        assert kubectl("delete", sort, f"{own}-b", "--wait=false")


def test_create_secrets_of_every_type(kubectl: Kubectl, tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("x")
    kubectl("create", "secret", "tls", "cert", f"--cert={pair.certificate}", f"--key={pair.key}")
    login = ("--docker-server=r.example", "--docker-username=u", "--docker-password=p")
    kubectl("create", "secret", "docker-registry", "login", *login)
    listed = kubectl("get", "secrets").splitlines()
    assert [line.split()[:3] for line in listed[1:]] == [
        ["cert", "kubernetes.io/tls", "2"],
        ["login", "kubernetes.io/dockerconfigjson", "1"],
    ]


def test_create_token(kubectl: Kubectl) -> None:
    token = kubectl("create", "token", "default").strip()
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["sub"] == f"system:serviceaccount:{kubectl.namespace}:default"
    assert claims["exp"] - claims["iat"] == 3600


def test_create_job_from_cronjob(kubectl: Kubectl) -> None:
    kubectl("create", "cronjob", "often", "--image=busybox", "--schedule=@daily", "--", "date")
    kubectl("create", "job", "now", "--from=cronjob/often")
    assert kubectl("get", "job", "now", "-o", "jsonpath={.metadata.ownerReferences[0].name}") == "often"


def test_run_and_expose(kubectl: Kubectl) -> None:
    made = kubectl("run", "web", "--image=nginx", "--port=80", "--labels=app=web", "--env=A=B", "--expose")
    assert made == "service/web created\npod/web created\n"
    kubectl("create", "deployment", "app", "--image=nginx", "--replicas=0")
    assert kubectl("expose", "deployment", "app", "--port=80", "--target-port=8080") == "service/app exposed\n"
    assert kubectl("get", "service", "app", "-o", "jsonpath={.spec.selector}") == '{"app":"app"}'


def test_autoscale(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=0")
    kubectl("autoscale", "deployment", "web", "--min=1", "--max=3", "--cpu-percent=80")  # by autoscaling/v1 of old
    shown = kubectl("get", "hpa", "web").splitlines()[1].split()
    assert shown[:2] == ["web", "Deployment/web"] and "1" in shown and "3" in shown


def test_an_old_version_is_deprecated(kubectl: Kubectl) -> None:
    manifest = """
        apiVersion: batch/v1beta1
        kind: CronJob
        metadata: {name: old}
        spec:
          schedule: "@daily"
          jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}}
    """
    done = kubectl.run("create", "-f", "-", stdin=manifest)
    assert done.stdout == "cronjob.batch/old created\n"
    advice = "batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob"
    assert f"Warning: {advice}\n" in done.stderr
    assert kubectl("get", "cronjob", "old", "-o", "jsonpath={.apiVersion}") == "batch/v1"
    assert kubectl("get", "cronjobs.v1beta1.batch", "old", "-o", "jsonpath={.apiVersion}") == "batch/v1beta1"
    assert kubectl("delete", "cronjob", "old") == 'cronjob.batch "old" deleted\n'
