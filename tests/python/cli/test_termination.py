# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A command that is told to end takes away what it made, and ends what it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.seeded_cache import seed_cache

END = [signal.SIGTERM, signal.SIGHUP]
LINK = "compile and link"

# `main` is replaced by what a test wants the command to do.
PROGRAM = """\
import os, signal, sys, tempfile, time
import tfnative.__main__ as process, tfnative.cli as cli
def function(options):
    {body}
cli.make_parser = lambda: type("Parser", (), {
    "parse_args": lambda self, arguments: type("Options", (), {
        "command": "work", "function": staticmethod(function)})()})()
process.run()
"""

pytestmark = pytest.mark.slow  # Each compiles, in a process of its own.


def run(body: str, before: str = "") -> subprocess.CompletedProcess[str]:
    program = before + PROGRAM.replace("{body}", body)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("number", END)
def test_the_signal_is_told_and_is_the_exit_code(number: signal.Signals) -> None:
    done = run(f"os.kill(os.getpid(), {number:d}); time.sleep(60)")
    assert done.stderr == f"tfnative work: ended by {number.name}\n"
    assert done.returncode == 128 + number


def test_more_signals_do_not_disturb_the_tidying_up() -> None:
    body = (
        "\n    try:\n        os.kill(os.getpid(), 15); time.sleep(60)"
        "\n    finally:\n        os.kill(os.getpid(), 15); os.kill(os.getpid(), 1)"
        "\n        print('tidy')"
    )
    done = run(body)
    assert (done.stdout, done.returncode) == ("tidy\n", 143)


def test_a_signal_that_was_swallowed_is_told_again_at_the_next() -> None:
    body = (
        "\n    for _ in range(3):\n        try:\n            os.kill(os.getpid(), 1)"
        "\n        except BaseException:\n            pass"
        "\n        os.kill(os.getpid(), 15)\n    print('never')"
    )
    done = run(body)
    assert (done.stdout, done.returncode) == ("", 143)
    assert done.stderr == "tfnative work: ended by SIGTERM\n"


@pytest.mark.parametrize("where", ["numpy", "tfnative._core", "tfnative.cli"])
def test_an_interrupt_while_it_starts_leaves_no_traceback(
    where: str, tmp_path: Path
) -> None:
    program = (
        "import os, runpy, signal, sys\n"
        # Who runs the tests in the background may have set it aside.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {where!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
    )
    (tmp_path / "sitecustomize.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "tfnative", "targets"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 130)


def test_signals_that_were_set_aside_stay_so() -> None:
    before = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    done = run("os.kill(os.getpid(), 1); return 0", before)
    assert (done.stderr, done.returncode) == ("", 0)


def test_programs_that_use_tfnative_keep_their_signals() -> None:
    program = (
        "import signal, tfnative.cli as cli\n"
        "cli.main(['targets'])\n"
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
    )
    command = [sys.executable, "-c", program]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def session_of(process: subprocess.Popen[str]) -> set[str]:
    """Who lives in the session that the process began, except for itself."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text()
        except OSError:  # It has just ended.
            continue
        name, _, rest = text.rpartition(")")
        state, _, _, session = rest.split()[:4]
        if int(session) == process.pid and state != "Z":
            found.add(name.partition(" ")[0])
    return found - {str(process.pid)}


def environment(place: Path) -> dict[str, str]:
    """That of a process whose files are all in one place."""
    (place / "temporary").mkdir()
    return {
        **os.environ,
        "TMPDIR": str(place / "temporary"),
        "TFNATIVE_CACHE": str(place / "cache"),
    }


def nothing_is_left_in(place: Path) -> bool:
    """Whether all that was begun is gone."""
    begun = ("temporary/*", "out/.*", "cache/kernels/tmp*")
    return not [path for pattern in begun for path in place.glob(pattern)]


@pytest.fixture
def compiling(
    saved_model: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[subprocess.Popen[str]]:
    """A command that compiles, and has come to a stage.

    It compiles kernels, too, until the stage before which they have to be there.
    """
    if request.param == LINK:
        seed_cache(tmp_path / "cache")
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "tfnative", "compile", saved_model),
            *("-o", tmp_path / "out" / "compiled", "--batch-sizes", "1,8"),
        ],
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if request.param in line:
                break
        yield process
        process.kill()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("compiling", "number", "group"),
    [
        ("load the model", signal.SIGTERM, False),
        ("compile with XLA", signal.SIGTERM, True),
        (LINK, signal.SIGHUP, False),
        (LINK, signal.SIGTERM, True),
    ],
    indirect=["compiling"],
)
def test_nothing_is_left_of_a_compilation(
    compiling: subprocess.Popen[str],
    number: signal.Signals,
    group: bool,
    tmp_path: Path,
) -> None:
    (os.killpg if group else os.kill)(compiling.pid, number)
    _, said = compiling.communicate(timeout=120)
    assert compiling.returncode == 128 + number, said
    assert said.endswith(f"tfnative compile: ended by {number.name}\n")
    assert nothing_is_left_in(tmp_path)
    while session_of(compiling):  # Until the test's time is over.
        time.sleep(0.05)


WORKER = """\
import json, sys
from tfnative._compile.options import CompileOptions
from tfnative_aot.worker import main
options = CompileOptions().to_json()
main({"model": sys.argv[1], "output": sys.argv[2], "options": options})
"""


def test_nothing_is_left_of_a_process_that_compiles_for_another(
    saved_model: Path, tmp_path: Path
) -> None:
    seed_cache(tmp_path / "cache")
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, saved_model, tmp_path / "out" / "compiled"],
        env=environment(tmp_path),
        stdin=subprocess.PIPE,  # Open, as a sign that somebody wants the model.
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if LINK in line:
                break
        process.terminate()
        # 143; or 1, where a library has made another error of the interrupt.
        assert process.wait(120) in (1, 128 + signal.SIGTERM)
    assert nothing_is_left_in(tmp_path)
