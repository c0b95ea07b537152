# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a member says that cannot take part: in a line, and without waiting for ever."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.cluster.clusters import digits, only_all, train
from training.begin import rows_of_each
from training.checkpoints import OF
from training.cluster.config import Cluster, Task
from training.cluster.member import Job
from training.cluster.ports import reserved
from training.cluster.supervisor import Supervisor
from training.data import open_data
from training.errors import ClusterError, DataError, TrainingError
from training.fit import fit, run_member
from training.options import FitOptions

ROOT = Path(__file__).parents[3]


def fail(cluster: Cluster, options: FitOptions) -> str:
    """Starts one member of a cluster, and returns what it says as it fails."""
    folder = options.run_folder
    assert folder is not None
    job = Job(
        cluster,
        f"{run_member.__module__}:{run_member.__name__}",
        (options,),
        folder / "member.log",
        {"CUDA_VISIBLE_DEVICES": "-1"},
    )
    with (
        pytest.raises(ClusterError) as raised,
        Supervisor([job], folder, until=[cluster.task], together=False) as supervisor,
    ):
        supervisor.run()
    return str(raised.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strategy", "jobs", "task", "missing"),
    [
        ("multi-worker", {"worker": 2}, ("worker", 0), "worker 1"),
        pytest.param(
            *("ps-async", {"chief": 1, "worker": 1, "ps": 1}, ("chief", 0), "ps 0"),
            marks=only_all,
        ),
        pytest.param(
            *("ps-sync", {"worker": 1, "ps": 1}, ("worker", 0), "ps 0"), marks=only_all
        ),
    ],
)
def test_members_that_do_not_come_are_named(tmp_path, strategy, jobs, task, missing):
    options = digits(
        strategy,
        tmp_path / "run",
        tmp_path / "data",
        steps=20,
        join_seconds=1.0,
        checkpoints=tmp_path / "checkpoints",
    )
    with reserved(sum(jobs.values())) as ports:
        left = iter(ports)
        addresses = {
            job: tuple(f"localhost:{next(left)}" for _ in range(count))
            for job, count in jobs.items()
        }
        said = fail(Cluster(addresses, Task(*task)), options)
    assert "waited 1 s for" in said
    assert f"{missing} (localhost:" in said
    assert "--join-seconds" in said


def test_a_port_in_use_is_said(tmp_path):
    options = digits(
        *("multi-worker", tmp_path / "run", tmp_path / "data"),
        checkpoints=tmp_path / "checkpoints",
    )
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        cluster = Cluster({"worker": (f"localhost:{port}",)}, Task("worker", 0))
        said = fail(cluster, options)
    assert f"port {port} of worker 0" in said
    assert "is in use" in said


def command(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "training", "fit", *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stderr


TWO = '{"cluster": {"worker": ["localhost:1", "localhost:2"]}, "task": %s}'
FIRST = TWO % '{"type": "worker", "index": 0}'


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch_norm": "synchronized"}, "not take --batch-norm: .* mirrored or multi"),
        (
            {"evaluator": True},
            "--evaluator: leave it .* multi-worker or ps-async$",
        ),
        ({"workers": 3}, "single does not take --workers"),
        ({"strategy": "multi-worker", "servers": 1}, "--strategy ps-async or ps-sync"),
        ({"run_folder": Path("run")}, "single does not take --run-folder"),
        ({"replicas": 2}, "single does not take --replicas"),
        ({"join_seconds": 3.0}, "single does not take --join-seconds"),
        ({"jit": "on", "debug": "numerics"}, "what XLA compiles: leave out --jit on"),
        ({"overwrite": True}, "add --output FOLDER, or leave out --overwrite"),
        ({"strategy": "mirrored", "replicas": 3}, "32 rows .* by 3 of mirrored"),
        ({"strategy": "central", "batch_size": 33}, "33 rows .* by 2 of central"),
        ({"strategy": "model-parallel", "jit": "on"}, "not take --jit"),
        ({"strategy": "ps-async", "jit": "on"}, "not take --jit"),
        ({"strategy": "ps-sync", "logs": Path("logs")}, "not take --logs"),
        ({"strategy": "ps-async", "logs": Path("logs")}, "add --evaluator"),
        ({"strategy": "ps-async", "profile": (1, 2)}, "not take --profile"),
        ({"strategy": "multi-worker", "looks": ("graph",)}, "not take --look"),
        ({"checkpoint_steps": 5}, "add --checkpoints FOLDER"),
        ({"strategy": "ps-sync", "evaluator": True}, "multi-worker or ps-async$"),
        ({"strategy": "ps-sync", "precision": "mixed_float16"}, "mixed_bfloat16"),
        ({"strategy": "ps-async", "precision": "mixed_float16"}, "mixed_bfloat16"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_what_a_strategy_would_leave_out_is_refused(monkeypatch, changes, said):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(TrainingError, match=said):
        fit(FitOptions(**changes))


def test_parameter_servers_are_for_strategies_that_have_them(monkeypatch, tmp_path):
    jobs = {"worker": ("localhost:1",), "ps": ("localhost:2",)}
    cluster = Cluster(jobs, Task("worker", 0))
    monkeypatch.setenv("TF_CONFIG", cluster.to_json())
    with pytest.raises(ClusterError, match="names 1 ps, which multi-worker has no use"):
        fit(FitOptions(strategy="multi-worker", checkpoints=tmp_path))


def test_rows_that_members_cannot_share_are_refused():
    options = FitOptions(strategy="ps-sync", batch_size=33)
    assert rows_of_each(options, 3) == 11
    with pytest.raises(DataError, match=r"33 rows of a step .* 2 of ps-sync"):
        rows_of_each(options, 2)


def test_a_cluster_is_not_several_that_train_alone(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", FIRST)
    with pytest.raises(ClusterError, match="each member would train for itself"):
        fit(FitOptions())


@pytest.mark.parametrize(
    ("config", "arguments", "said"),
    [
        ("{", (), "TF_CONFIG is no JSON"),
        (TWO % '{"type": "worker", "index": 7}', (), "worker 7, but names 2"),
        (FIRST, ("--workers", "3"), "names 2 of the job 'worker', but --workers is 3"),
        (FIRST, (), "need --checkpoints FOLDER"),
    ],
    ids=["no JSON", "no member", "another size", "no checkpoints"],
)
def test_the_command_says_what_is_wrong_in_a_line(config, arguments, said):
    code, errors = command(
        {"TF_CONFIG": config}, "--strategy", "multi-worker", *arguments
    )
    assert code == 1
    assert said in errors
    assert len(errors.strip().splitlines()) == 1


@only_all
@pytest.mark.parametrize("strategy", ["multi-worker", "ps-async", "ps-sync"])
def test_a_checkpoint_of_another_model_is_refused(tmp_path, strategy):
    data = tmp_path / "data"
    open_data("digits", data)
    checkpoints = tmp_path / "checkpoints"
    options = digits(
        strategy, tmp_path / "mlp", data, steps=20, checkpoints=checkpoints
    )
    train(options)
    other = {**options.__dict__, "model": "cnn", "run_folder": tmp_path / "cnn"}
    # Whoever reads the weights first says so, or the chief, who reads the note of them.
    said = "does not fit this model|are of model mlp, not of model cnn"
    with pytest.raises(ClusterError, match=said):
        train(FitOptions(**other))
    (checkpoints / OF).unlink()
    with pytest.raises(ClusterError, match="does not fit this model"):
        train(FitOptions(**other))


@only_all
def test_members_started_by_hand_are_a_cluster(tmp_path):
    data = tmp_path / "data"
    open_data("digits", data)
    with reserved(2) as ports:
        addresses = tuple(f"localhost:{port}" for port in ports)
    cluster = Cluster({"worker": addresses}, Task("worker", 0))
    members = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "training", "fit", "--model", "mlp"),
                *("--strategy", "multi-worker", "--steps", "60"),
                *("--learning-rate", "0.003", "--data-folder", str(data)),
                *("--checkpoints", str(tmp_path / "checkpoints")),
            ],
            env={
                **os.environ,
                "TF_CONFIG": cluster.as_task(Task("worker", index)).to_json(),
                "CUDA_VISIBLE_DEVICES": "-1",
            },
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    said = [member.communicate(timeout=300)[0] for member in members]
    assert [member.returncode for member in members] == [0, 0]
    assert "held-out accuracy: 0.9" in said[0]
