# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Forks do their jobs apart from each other, and nothing outlives who wanted them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tfnative.errors import CompileError
from tfnative_aot import adapters
from tfnative_aot.xla.processes import ForkServer
from tfnative_aot.xla.tfcompile import start_server

# What a job says is run; what it prints is its output.
SCRIPT = """\
import os, sys, time
loaded = 0
def prepare():
    global loaded
    loaded = os.getpid()
    print("what a library says when it is loaded")
def main(job):
    exec(open(job).read(), {**globals(), "job": job})
"""
SLEEP = "open(job + '.pid', 'w').write(str(os.getpid())); time.sleep(600)"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


@pytest.fixture
def server(script: Path) -> Iterator[ForkServer]:
    with ForkServer(script) as started:
        yield started


def run(server: ForkServer, folder: Path, name: str, body: str) -> tuple[int, str]:
    job, output = folder / f"{name}.job", folder / f"{name}.txt"
    job.write_text(body)
    code = server.run(job, output)
    return code, output.read_text()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def written_pid(path: Path) -> int:
    wait_for(lambda: path.exists() and path.read_text() != "")
    return int(path.read_text())


def test_each_job_is_a_fork_of_one_process_that_has_loaded(
    server: ForkServer, tmp_path: Path
) -> None:
    body = "print(loaded, os.getpid(), os.getppid())"
    seen = [run(server, tmp_path, str(n), body)[1].split() for n in range(3)]
    assert len({loaded for loaded, _, _ in seen}) == 1
    assert len({own for _, own, _ in seen}) == 3
    assert all(parent == loaded for loaded, _, parent in seen)


def test_what_a_job_changes_the_next_does_not_see(
    server: ForkServer, tmp_path: Path
) -> None:
    body = "print(os.environ.get('CHANGED')); os.environ['CHANGED'] = 'yes'"
    assert [run(server, tmp_path, n, body)[1] for n in "ab"] == ["None\n", "None\n"]


@pytest.mark.parametrize(
    ("body", "code", "output"),
    [
        ("print('fine')", 0, "fine"),
        ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('words')", 1, ""),
        ("raise ValueError('what')", 1, "ValueError: what"),
        ("os.write(2, b'CHECK failed'); os.abort()", -signal.SIGABRT, "CHECK failed"),
        ("print(sys.stdin.read() == '')", 0, "True"),
    ],
)
def test_the_code_and_the_output_are_those_of_the_job(
    server: ForkServer, tmp_path: Path, body: str, code: int, output: str
) -> None:
    found = run(server, tmp_path, "job", body)
    assert found[0] == code
    assert output in found[1]


def test_a_crash_does_not_take_the_others(server: ForkServer, tmp_path: Path) -> None:
    slow = f"while not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.01)"
    with ThreadPoolExecutor(2) as pool:
        other = pool.submit(run, server, tmp_path, "slow", slow)
        crashed, _ = run(server, tmp_path, "crash", "os.kill(os.getpid(), 11)")
        (tmp_path / "go").touch()
        assert (crashed, other.result()[0]) == (-signal.SIGSEGV, 0)
    assert run(server, tmp_path, "after", "print('still here')") == (0, "still here\n")


def test_many_threads_and_servers_each_get_their_own_answers(
    script: Path, tmp_path: Path
) -> None:
    with (
        ForkServer(script) as first,
        ForkServer(script) as second,
        ThreadPoolExecutor(8) as pool,
    ):
        jobs = [
            pool.submit(
                run, server, tmp_path, f"{name}{n}", f"print({n}); sys.exit({n})"
            )
            for n in range(40)
            for name, server in (("first", first), ("second", second))
        ]
        found = [job.result() for job in jobs]
    assert found == [(n, f"{n}\n") for n in range(40) for _ in range(2)]


def test_closing_ends_what_runs(script: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with ForkServer(script) as server:
            waiting = pool.submit(run, server, tmp_path, "sleep", SLEEP)
            child = written_pid(tmp_path / "sleep.job.pid")
        assert not runs(child)
        with pytest.raises(CompileError):
            waiting.result()


def test_a_server_that_dies_is_an_error_for_all_that_wait(
    server: ForkServer, tmp_path: Path
) -> None:
    body = "os.write(2, b''); os.kill(os.getppid(), 9); time.sleep(0.2)"
    with pytest.raises(CompileError, match=r"SIGKILL.*\n.*what a library says"):
        run(server, tmp_path, "job", body)
    with pytest.raises(CompileError, match="SIGKILL"):
        run(server, tmp_path, "next", "pass")


def test_an_interrupt_is_left_to_the_parent(server: ForkServer, tmp_path: Path) -> None:
    run(server, tmp_path, "first", "pass")
    os.kill(server._process.pid, signal.SIGINT)
    assert run(server, tmp_path, "second", "pass")[0] == 0
    code, _ = run(server, tmp_path, "third", "os.kill(os.getpid(), 2); time.sleep(60)")
    assert code == -signal.SIGINT, "a fork is interrupted as any process"


def test_the_parents_death_ends_the_server_and_its_forks(
    script: Path, tmp_path: Path
) -> None:
    (tmp_path / "sleep.job").write_text(SLEEP)
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from tfnative_aot.xla.processes import ForkServer\n"
        "server = ForkServer(sys.argv[1])\n"
        "print(server._process.pid, flush=True)\n"
        "server.run(Path(sys.argv[2]), Path(sys.argv[2] + '.txt'))\n"
    )
    command = [sys.executable, "-c", program, script, tmp_path / "sleep.job"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(parent.stdout.readline())]
        pids.append(written_pid(tmp_path / "sleep.job.pid"))
        assert all(map(runs, pids))
        parent.kill()
    wait_for(lambda: not any(map(runs, pids)))


def test_loading_tfcompile_starts_no_thread(tmp_path: Path) -> None:
    """A fork has only the thread that forked: locks of others would stay locked."""
    with start_server() as server:
        code = server.run(tmp_path / "no job", tmp_path / "output.txt")
        assert code == 1, "it is loaded, and has forked"
        pid = server._process.pid
        assert "_pywrap_tfcompile" in Path(f"/proc/{pid}/maps").read_text()
        assert len(os.listdir(f"/proc/{pid}/task")) == 1


def test_the_adapter_keeps_the_servers_contract() -> None:
    adapter = adapters.xla()
    assert callable(adapter.prepare)
    assert callable(adapter.main)
