# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The process that compiles for `load`: its answers, its death, what it shows."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfnative
from tfnative._base.progress_line import ProgressLine
from tfnative._compile.options import CompileOptions
from tfnative._compile.process import Outcome, compile_in_process
from tfnative.errors import CompileError


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a program in the place of the compiler."""
    package = tmp_path / "place" / "tfnative_aot"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.setattr(sys, "path", [str(package.parent), *sys.path])

    def write(body: str) -> None:
        indented = "\n".join(f"    {line}" for line in body.splitlines())
        head = "import json, os, sys, time\ndef main(job):\n"
        (package / "worker.py").write_text(f"{head}{indented}\n")

    return write


def compile_with(stream: Any = None, **options: Any) -> Outcome:
    line = ProgressLine("compiling x", stream)
    asked = CompileOptions(**options)
    return compile_in_process(Path("model"), Path("out"), asked, line)


def test_the_process_gets_the_job_and_gives_the_answer(worker):
    worker("print(json.dumps({'signatures': [job['model'], job['options']['name']]}))")
    assert compile_with(name="b").signatures == ("model", "b")


def test_its_temporary_files_are_where_they_were_wanted(worker, tmp_path):
    worker("import tempfile\nprint(json.dumps({'signatures': [tempfile.mkdtemp()]}))")
    outcome = compile_in_process(
        Path("m"), Path("o"), CompileOptions(), ProgressLine("x"), temporary=tmp_path
    )
    assert Path(outcome.signatures[0]).parent == tmp_path


def test_errors_keep_their_type(worker):
    worker(
        "print(json.dumps({'error': 'CompileError', 'message': 'm', 'ops': ['A'],"
        " 'stage': 's'}))"
    )
    outcome = compile_with()
    assert isinstance(outcome.error, CompileError)
    assert (outcome.error.ops, outcome.stage) == (("A",), "s")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('noise', file=sys.stderr); os.abort()", "SIGABRT.*\n.*noise"),
        ("sys.exit(3)", "exit code 3"),
        ("raise ValueError('what')", "exit code 1.*\n(.*\n)*.*what"),
    ],
)
def test_a_process_that_dies_is_an_error_with_its_last_words(worker, body, message):
    worker(body)
    error = compile_with().error
    assert isinstance(error, CompileError)
    assert re.search(message, str(error)), str(error)


def test_an_interpreter_that_cannot_be_started_is_a_typed_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(tfnative.FailedPreconditionError, match="/nowhere/python"):
        compile_with()


def test_an_interrupt_ends_the_process_and_what_it_started(worker, tmp_path):
    worker(
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')"
        "\nprint(json.dumps({'stage': 'x', 'done': 0, 'total': 0}), flush=True)\n"
        "time.sleep(600)"
    )

    class Line(ProgressLine):
        def stage(self, *arguments: Any, **options: Any) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compile_in_process(Path("m"), Path("o"), CompileOptions(), Line("x"))
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    end = time.monotonic() + 10
    while any(_runs(pid) for pid in pids):  # A killed process dies a little later.
        assert time.monotonic() < end
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_one_line_that_goes_away(worker):
    worker(
        "print(json.dumps({'stage': 'link', 'done': 1, 'total': 3}), flush=True)\n"
        "time.sleep(1.5)\n"
        "print(json.dumps({'signatures': []}))"
    )
    terminal = Terminal()
    line = ProgressLine("compiling x", terminal)
    compile_in_process(Path("m"), Path("o"), CompileOptions(), line)
    line.clear()
    shown = terminal.getvalue()
    assert "compiling x: link 1/3 (1 s)" in shown
    assert "\n" not in shown
    assert shown.endswith("\r\x1b[K")


def test_a_log_sees_nothing(worker):
    worker("time.sleep(1)\nprint(json.dumps({'signatures': []}))")
    log = io.StringIO()
    compile_with(stream=log)
    assert log.getvalue() == ""


def test_what_is_quick_shows_nothing():
    terminal = Terminal()
    line = ProgressLine("compiling x", terminal)
    line.stage("load the model")
    line.clear()
    assert terminal.getvalue() == ""
