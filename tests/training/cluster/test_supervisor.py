# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Members are started again, or not; and none is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from training.cluster.config import Cluster, Task
from training.cluster.diary import MEMBERS, read_events
from training.cluster.member import Job, Member
from training.cluster.supervisor import Supervisor
from training.errors import ClusterError

JOBS = "tests.training.cluster.jobs"
ROOT = Path(__file__).parents[3]
SECONDS = 120


def jobs(folder: Path, *targets: str) -> list[Job]:
    addresses = tuple(f"localhost:{port}" for port in range(1, len(targets) + 1))
    cluster = Cluster({"worker": addresses}, Task("worker", 0))
    return [
        Job(
            cluster.as_task(Task("worker", index)),
            f"{JOBS}:{target}",
            (folder,),
            folder / f"worker-{index}.log",
        )
        for index, target in enumerate(targets)
    ]


def supervise(folder: Path, *targets: str, **options: object) -> Supervisor:
    options = {"until": [Task("worker", 0)], "together": False, **options}
    return Supervisor(jobs(folder, *targets), folder, **options)  # type: ignore[arg-type]


def test_what_a_member_says_is_ours_and_of_its_own_process(tmp_path: Path):
    (job,) = jobs(tmp_path, "sleep")
    before = "training: another member is gone\n"
    job.log.write_text(f"{before}training: the disk is full\nTensorFlow cleans up\n")
    assert Member(job, None).last_words() == "training: the disk is full"
    job.log.write_text(f"{before}RuntimeError: a bug\n")
    assert Member(job, None, len(before)).last_words() == "RuntimeError: a bug"
    job.log.write_text(before)
    assert not Member(job, None, len(before)).last_words()


def starts(folder: Path, index: int) -> list[int]:
    path = folder / f"worker {index}.starts"
    return list(map(int, path.read_text().split())) if path.exists() else []


def until(supervisor: Supervisor, what: Callable[[], bool]) -> None:
    limit = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < limit
        supervisor.step()


def alive(pid: int) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False


def test_one_that_is_killed_starts_again_and_the_others_go_on(tmp_path):
    with supervise(tmp_path, "end_when_told", "sleep") as supervisor:
        until(supervisor, lambda: bool(starts(tmp_path, 0) and starts(tmp_path, 1)))
        (first,) = starts(tmp_path, 1)
        shown = json.loads((tmp_path / MEMBERS).read_text())
        assert shown["worker 1"]["pid"] == first
        os.kill(first, signal.SIGKILL)
        until(supervisor, lambda: len(starts(tmp_path, 1)) == 2)
        assert len(starts(tmp_path, 0)) == 1
        (tmp_path / "done").touch()
        supervisor.run()
        assert supervisor.restarts == 1
    assert not any(map(alive, starts(tmp_path, 1)))
    assert [event.what for event in read_events(tmp_path)] == [
        "started",
        "started",
        "killed by SIGKILL",
        "started",
        "done",
        "ended",
    ]


def test_all_start_again_together_where_they_compute_one_thing(tmp_path):
    said: list[str] = []
    with supervise(
        tmp_path, "sleep", "sleep", together=True, say=said.append
    ) as supervisor:
        until(supervisor, lambda: bool(starts(tmp_path, 0) and starts(tmp_path, 1)))
        before = starts(tmp_path, 0)[0]
        os.kill(starts(tmp_path, 1)[0], signal.SIGKILL)
        until(supervisor, lambda: len(starts(tmp_path, 0)) == 2)
        assert not alive(before)
    assert said[-1] == "worker 0, worker 1 start again"


def test_an_evaluator_starts_again_alone_and_no_one_waits_for_it(tmp_path):
    first, second = jobs(tmp_path, "sleep", "sleep")
    watching = Task("evaluator", 0)
    evaluator = replace(second, cluster=second.cluster.as_task(watching))
    both = Supervisor([first, evaluator], tmp_path, until=[watching], together=True)

    def starts_of_evaluator() -> list[int]:
        path = tmp_path / "evaluator 0.starts"
        return list(map(int, path.read_text().split())) if path.exists() else []

    with both as supervisor:
        until(supervisor, lambda: bool(starts(tmp_path, 0) and starts_of_evaluator()))
        os.kill(starts_of_evaluator()[0], signal.SIGKILL)
        until(supervisor, lambda: len(starts_of_evaluator()) == 2)
        assert len(starts(tmp_path, 0)) == 1
        os.kill(starts(tmp_path, 0)[0], signal.SIGKILL)
        until(supervisor, lambda: len(starts(tmp_path, 0)) == 2)
        assert len(starts_of_evaluator()) == 2


@pytest.mark.parametrize(
    ("target", "said"),
    [("fail", "the data is gone: bring it back"), ("crash", "RuntimeError: a bug")],
)
def test_one_that_fails_by_itself_ends_all_with_its_own_words(tmp_path, target, said):
    with (
        pytest.raises(ClusterError, match=said) as raised,
        supervise(tmp_path, "sleep", target) as supervisor,
    ):
        supervisor.run()
    assert "worker-1.log" in str(raised.value)
    assert len(starts(tmp_path, 1)) == 1
    assert not any(map(alive, starts(tmp_path, 0)))


def test_who_gives_up_again_and_again_is_not_started_for_ever(tmp_path):
    with (
        pytest.raises(ClusterError, match="4 members had to start again"),
        supervise(tmp_path, "sleep", "give_up", max_restarts=3) as supervisor,
    ):
        supervisor.run()
    assert len(starts(tmp_path, 1)) == 4


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ClusterError, match="--run-folder"):
        supervise(tmp_path / "file" / "run", "sleep")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_no_member_outlives_who_started_it_however_that_ends(tmp_path):
    program = f"""
    from pathlib import Path
    from tests.training.cluster.test_supervisor import supervise

    if __name__ == "__main__":
        with supervise(Path({str(tmp_path)!r}), "sleep", "sleep") as supervisor:
            supervisor.run()
    """
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(program))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script)], env=environment) as parent:
        limit = time.monotonic() + SECONDS
        while not (starts(tmp_path, 0) and starts(tmp_path, 1)):
            assert time.monotonic() < limit
            assert parent.poll() is None
            time.sleep(0.05)
        parent.kill()
    members = starts(tmp_path, 0) + starts(tmp_path, 1)
    limit = time.monotonic() + 20
    while any(map(alive, members)):
        assert time.monotonic() < limit
        time.sleep(0.05)
