"""Single Pods on a real node: what a user sees of them through kubectl, with the oldest and the newest one."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from kubernetes import client, config, stream

from tests.e2e.conftest import Cluster
from tests.kubectl import Kubectl, installed

Manifest = Callable[[str], Path]


@pytest.fixture(params=[installed()[0], installed()[-1]], ids=lambda path: path.name)
def each_kubectl(request: pytest.FixtureRequest, kubectl: Kubectl, cluster: Cluster) -> Kubectl:
    """The test's namespace through the oldest and the newest kubectl."""
    return cluster.kubectl(kubectl.namespace, request.param)


def pod_ip(kubectl: Kubectl, name: str) -> str:
    return kubectl("get", "pod", name, "-o", "jsonpath={.status.podIP}")


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read(), "utf-8")


def until_answered(url: str, patience: float = 20.0) -> str:
    """What is answered in the end: a container without a probe is ready before its server listens."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return fetch(url)
        except OSError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.1)


def test_a_pod_runs_answers_and_is_described(each_kubectl: Kubectl, manifest: Manifest) -> None:
    each_kubectl.apply(manifest("01"))
    each_kubectl.wait("--for=condition=Ready", "pod/nginx")
    assert "Welcome to nginx" in until_answered(f"http://{pod_ip(each_kubectl, 'nginx')}/")
    assert "GET / HTTP/1.1" in each_kubectl("logs", "nginx", "--tail=1")
    assert each_kubectl("exec", "nginx", "--", "cat", "/etc/hostname") == "nginx\n"
    described = each_kubectl("describe", "pod", "nginx")
    for told in ("Successfully assigned", 'image "nginx:1.7.9"', "Container started", "Status:           Running"):
        assert told in described
    each_kubectl("delete", "pod", "nginx")
    assert "not found" in each_kubectl.run("get", "pod", "nginx").stderr


def test_exec_passes_input_output_and_exit_code(each_kubectl: Kubectl) -> None:
    each_kubectl("run", "shell", "--image=busybox:1.28", "--restart=Never", "--", "sleep", "600")
    each_kubectl.wait("--for=condition=Ready", "pod/shell")
    assert each_kubectl("exec", "-i", "shell", "--", "tr", "a-z", "A-Z", stdin="hello\n") == "HELLO\n"
    failed = each_kubectl.run("exec", "shell", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (failed.stdout, failed.returncode) == ("out\n", 7)
    assert failed.stderr.startswith("err\n")
    each_kubectl("delete", "pod", "shell", "--grace-period=1")


def test_a_library_runs_commands_and_reaches_ports(kubectl: Kubectl, manifest: Manifest) -> None:
    """Over WebSockets, as most client libraries do."""
    kubectl.apply(manifest("01"))
    kubectl.wait("--for=condition=Ready", "pod/nginx")
    api = client.CoreV1Api(config.new_client_from_config(str(kubectl.kubeconfig)))
    place = ("nginx", kubectl.namespace)
    shell = stream.stream(
        *(api.connect_get_namespaced_pod_exec, *place),
        command=["sh"],
        stdin=True,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )
    shell.write_stdin("echo out; echo err >&2; exit 7\n")
    shell.run_forever(timeout=20)
    assert (shell.read_stdout(), shell.read_stderr(), shell.returncode) == ("out\n", "err\n", 7)
    shell.sock.shutdown()  # the library would leave it to the garbage collector
    forwarded = stream.portforward(api.connect_get_namespaced_pod_portforward, *place, ports="80")
    with closing(forwarded.socket(80)) as connection:
        connection.setblocking(True)
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"Welcome to nginx" in b"".join(iter(lambda: connection.recv(4096), b""))
    assert forwarded.error(80) is None
    forwarded.websocket.shutdown()
    api.api_client.rest_client.pool_manager.clear()
    kubectl("delete", "pod", "nginx", "--grace-period=1")


def test_a_debugger_sees_the_processes_of_its_target(each_kubectl: Kubectl) -> None:
    each_kubectl("run", "shell", "--image=busybox:1.28", "--restart=Never", "--", "sleep", "600")
    each_kubectl.wait("--for=condition=Ready", "pod/shell")
    look = ("--image=busybox:1.28", "--target=shell", "--container=debugger", "--", "cat", "/proc/1/cmdline")
    each_kubectl("debug", "shell", *look)
    ended = "{.status.ephemeralContainerStatuses[0].state.terminated.reason}=Completed"
    each_kubectl.wait(f"--for=jsonpath={ended}", "pod/shell")
    assert each_kubectl("logs", "shell", "-c", "debugger").split("\x00") == ["sleep", "600", ""]
    each_kubectl("delete", "pod", "shell", "--grace-period=1")


def test_exec_gives_a_terminal(each_kubectl: Kubectl) -> None:
    each_kubectl("run", "shell", "--image=busybox:1.28", "--restart=Never", "--", "sleep", "600")
    each_kubectl.wait("--for=condition=Ready", "pod/shell")
    ours, theirs = pty.openpty()
    process = each_kubectl.start(
        "exec",
        "-it",
        "shell",
        "--",
        "sh",
        "-c",
        "tty; stty size; read line; echo got $line",
        stdin=theirs,
        stdout=theirs,
    )
    os.close(theirs)
    os.write(ours, b"something\n")
    seen = b""
    while b"got something" not in seen:
        seen += os.read(ours, 1024)
    assert b"/dev/pts/" in seen
    assert process.wait(20) == 0
    os.close(ours)
    assert process.stderr
    process.stderr.close()
    each_kubectl("delete", "pod", "shell", "--grace-period=1")


def test_logs_follow_to_the_end_and_are_kept_of_the_previous_container(each_kubectl: Kubectl) -> None:
    script = "for i in 1 2 3; do echo line $i of $(hostname); done; sleep 1; exit 3"
    each_kubectl("run", "talker", "--image=busybox:1.28", "--restart=OnFailure", "--", "sh", "-c", script)
    each_kubectl.until("[1-9].*", "get", "pod", "talker", "-o", "jsonpath={.status.containerStatuses[0].restartCount}")
    each_kubectl.until(".*line 3.*", "logs", "talker", "--previous")
    assert each_kubectl("logs", "talker", "--previous", "--tail=1") == "line 3 of talker\n"
    last = json.loads(each_kubectl("get", "pod", "talker", "-o", "jsonpath={.status.containerStatuses[0].lastState}"))
    assert (last["terminated"]["exitCode"], last["terminated"]["reason"]) == (3, "Error")
    each_kubectl("delete", "pod", "talker", "--grace-period=0", "--force")

    each_kubectl(
        "run", "counter", "--image=busybox:1.28", "--restart=Never", "--", "sh", "-c", "echo a; sleep 1; echo b"
    )
    each_kubectl.until("Running|Succeeded", "get", "pod", "counter", "-o", "jsonpath={.status.phase}")
    assert each_kubectl("logs", "-f", "counter") == "a\nb\n"


def test_port_forward_reaches_the_pod(kubectl: Kubectl, manifest: Manifest) -> None:
    kubectl.apply(manifest("01"))
    kubectl.wait("--for=condition=Ready", "pod/nginx")
    until_answered(f"http://{pod_ip(kubectl, 'nginx')}/")
    forward = kubectl.start("port-forward", "pod/nginx", ":80")
    try:
        assert forward.stdout
        port = forward.stdout.readline().split(":")[1].split()[0]
        assert "Welcome to nginx" in fetch(f"http://127.0.0.1:{port}/")
    finally:
        forward.terminate()
        forward.communicate()


def test_a_failing_liveness_probe_restarts_the_container(kubectl: Kubectl, manifest: Manifest) -> None:
    kubectl.apply(manifest("04"))
    count = "jsonpath={.status.containerStatuses[0].restartCount}"
    kubectl.until("[1-9]", "get", "pod", "liveness-http", "-o", count, patience=90)
    described = kubectl("describe", "pod", "liveness-http")
    for told in (
        "Liveness probe failed: HTTP probe failed with statuscode: 500",
        "Container liveness failed liveness probe, will be restarted",
        "Exit Code:",
        "Restart Count:  1",
    ):
        assert told in described


def test_a_killed_process_is_restarted_with_back_off(kubectl: Kubectl) -> None:
    kubectl("run", "fragile", "--image=busybox:1.28", "--", "sh", "-c", "exit 1")
    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    kubectl.until("CrashLoopBackOff", "get", "pod", "fragile", "-o", reason)
    message = kubectl("get", "pod", "fragile", "-o", "jsonpath={.status.containerStatuses[0].state.waiting.message}")
    assert message.startswith("back-off 10s restarting failed container=fragile pod=fragile_")
    kubectl.until(".*CrashLoopBackOff.*", "get", "pods")


def test_killing_the_process_of_a_container_brings_it_back(kubectl: Kubectl) -> None:
    kubectl(
        "run", "sturdy", "--image=busybox:1.28", "--", "sh", "-c", "trap 'exit 9' USR1; while true; do sleep 0.1; done"
    )
    kubectl.wait("--for=condition=Ready", "pod/sturdy")
    kubectl("exec", "sturdy", "--", "kill", "-USR1", "1")
    kubectl.until(
        "1 true", "get", "pod", "sturdy", "-o", "jsonpath={.status.containerStatuses[0]['restartCount','ready']}"
    )


def test_an_image_that_is_nowhere_is_told(kubectl: Kubectl) -> None:
    kubectl("run", "lost", "--image=registry.k8s.io/no-such-image:1")
    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    kubectl.until("ErrImagePull|ImagePullBackOff", "get", "pod", "lost", "-o", reason)
    kubectl.until(
        ".*Failed to pull image.*", "get", "events", "--field-selector=involvedObject.name=lost,reason=Failed"
    )


def test_a_new_image_is_told_by_the_node(kubectl: Kubectl) -> None:
    kubectl("run", "web", "--image=httpd:2.4")
    kubectl.wait("--for=condition=Ready", "pod/web")
    assert "It works!" in until_answered(f"http://{pod_ip(kubectl, 'web')}/")
    kubectl.until(
        r".*docker.io/library/httpd:2\.4.*", "get", "nodes", "-o", "jsonpath={.items[*].status.images[*].names}"
    )


def test_images_can_be_loaded_and_listed(cluster: Cluster, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    socket = str(cluster.config.containerd_socket)
    source = next(line.split()[0] for line in cluster.knarr("images").stdout.splitlines() if "pause" in line)
    export = ["ctr", "--address", socket, "--namespace", "k8s.io", "images", "export", str(archive), source]
    subprocess.run(export, check=True)
    loaded = cluster.knarr("images", "load", str(archive))
    assert loaded.returncode == 0, loaded.stderr
    assert source in loaded.stdout
    missing = cluster.knarr("images", "load", str(tmp_path / "none.tar"))
    assert (missing.returncode, missing.stderr) == (1, f"knarr: there is no file {tmp_path / 'none.tar'}\n")
