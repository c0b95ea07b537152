# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is written for Kubernetes is a cluster whose members find each other."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest

from training.cli.main import main, make_parser
from training.cluster.config import Cluster, Task, parse

FIT = (
    "fit --strategy {} --model mlp --data digits --checkpoints /shared/checkpoints "
    "--output /shared/saved_models/digits --join-seconds 600"
)
POD = "manifests --image registry.example/training:1 --claim training --name demo "
MEMBERS = {
    ("multi-worker", "--workers 3"): {"worker": 3},
    ("ps-async", "--workers 3 --ps 2"): {"chief": 1, "worker": 3, "ps": 2},
    ("ps-async", "--evaluator"): {"chief": 1, "worker": 2, "ps": 1, "evaluator": 1},
    ("ps-sync", "--workers 2"): {"worker": 2, "ps": 1},
}
END = {
    "multi-worker": {"worker"},
    "ps-async": {"chief", "evaluator"},
    "ps-sync": {"worker"},
}


def written(capsys: pytest.CaptureFixture[str], strategy: str, more: str) -> list[Any]:
    """The objects that the command prints."""
    assert main(shlex.split(f"{POD} {FIT.format(strategy)} {more}")) == 0
    found: list[Any] = json.loads(capsys.readouterr().out)["items"]
    return found


def expanded(container: Any, index: int) -> dict[str, str]:
    """The environment of a pod: Kubernetes knows variables that stand before."""
    values: dict[str, str] = {}
    for variable in container["env"]:
        if "valueFrom" in variable:
            values[variable["name"]] = str(index)
            continue
        values[variable["name"]] = re.sub(
            r"\$\((\w+)\)", lambda match: values[match[1]], variable["value"]
        )
    return values


def pods_of(item: Any) -> dict[str, Cluster]:
    """The cluster as each pod of a Job or a StatefulSet sees it, by its address."""
    spec, name = item["spec"], item["metadata"]["name"]
    count = spec["completions" if item["kind"] == "Job" else "replicas"]
    template = spec["template"]["spec"]
    (container,) = template["containers"]
    return {
        f"{name}-{index}.{template['subdomain']}:2222": parse(
            expanded(container, index)["TF_CONFIG"]
        )
        for index in range(count)
    }


@pytest.mark.parametrize(("strategy", "more"), MEMBERS)
def test_each_pod_is_a_member_and_has_the_address_that_the_others_know(
    capsys: pytest.CaptureFixture[str], strategy: str, more: str
):
    service, *items = written(capsys, strategy, more)
    pods = {address: c for item in items for address, c in pods_of(item).items()}
    counts: dict[str, int] = {}
    for address, cluster in pods.items():
        job = cluster.task.job
        counts[job] = counts.get(job, 0) + 1
        assert cluster.jobs == next(iter(pods.values())).jobs
        if job != "evaluator":
            assert cluster.address == address
    assert counts == MEMBERS[strategy, more]
    assert {c.task for c in pods.values()} == {
        Task(job, index) for job, count in counts.items() for index in range(count)
    }
    for item in items:
        template = item["spec"]["template"]
        labels = template["metadata"]["labels"]
        assert service["spec"]["selector"].items() <= labels.items()
        assert template["spec"]["subdomain"] == service["metadata"]["name"] == "demo"
        if item["kind"] == "StatefulSet":
            assert item["spec"]["serviceName"] == "demo"
            chosen = item["spec"]["selector"]["matchLabels"]
            assert chosen.items() <= labels.items()


@pytest.mark.parametrize(("strategy", "more"), MEMBERS)
def test_who_has_an_end_starts_again_until_then_and_all_others_always(
    capsys: pytest.CaptureFixture[str], strategy: str, more: str
):
    for item in written(capsys, strategy, more)[1:]:
        template = item["spec"]["template"]
        if template["metadata"]["labels"]["job"] in END[strategy]:
            assert (item["kind"], item["spec"]["backoffLimit"]) == ("Job", 20)
            assert item["spec"]["completionMode"] == "Indexed"
            assert template["spec"]["restartPolicy"] == "OnFailure"
        else:
            assert item["kind"] == "StatefulSet"
            assert template["spec"]["restartPolicy"] == "Always"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("--name 'Ü b'", "names no service"),
        ("--name 2nd", "names no service"),
        (f"--name {'a' * 60}", "at most 48"),
        ("--claim ''", "names no volume claim"),
        ("--claim a_b", "names no volume claim"),
        ("--image ''", "names no image"),
        ("--image 'a b'", "names no image"),
    ],
)
def test_names_that_kubernetes_would_not_take_are_refused(
    capsys: pytest.CaptureFixture[str], wrong: str, said: str
):
    assert main(shlex.split(f"{POD} {wrong} {FIT.format('ps-sync')}")) == 1
    printed = capsys.readouterr()
    assert said in printed.err
    assert not printed.out


def test_each_pod_runs_the_command_that_was_given(capsys: pytest.CaptureFixture[str]):
    for item in written(capsys, "ps-async", "")[1:]:
        (container,) = item["spec"]["template"]["spec"]["containers"]
        assert container["command"][:3] == ["python", "-m", "training"]
        parsed = make_parser().parse_args(container["command"][3:])
        assert str(parsed.checkpoints) == "/shared/checkpoints"
        (mount,) = container["volumeMounts"]
        (volume,) = item["spec"]["template"]["spec"]["volumes"]
        assert (mount["mountPath"], mount["name"]) == ("/shared", volume["name"])
        assert volume["persistentVolumeClaim"] == {"claimName": "training"}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "name what members run"),
        ("export", "name what members run"),
        ("fit", "single has no cluster"),
        ("fit --strategy ps-async", "add --checkpoints /shared"),
        (
            "fit --strategy ps-async --checkpoints build/x",
            "--checkpoints build/x is of",
        ),
        (f"{FIT.format('ps-sync')} --run-folder /tmp/x", "--run-folder /tmp/x is of"),
        (f"{FIT.format('ps-sync')} --jit on", "ps-sync does not take --jit"),
        (f"{FIT.format('ps-sync')} --run-folder /shared/../x", "/shared/../x is of"),
    ],
)
def test_what_cannot_work_is_refused(
    capsys: pytest.CaptureFixture[str], command: str, said: str
):
    assert main(shlex.split(POD + command)) == 1
    printed = capsys.readouterr()
    assert said in printed.err
    assert not printed.out
