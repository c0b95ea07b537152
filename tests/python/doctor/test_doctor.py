# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The doctor says what is here, survives what is broken, and fails when told to."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

import tfnative
from tfnative import _core
from tfnative._doctor import compiling, machine, report, tensorflow
from tfnative._doctor.tensorflow import Tensorflow, find_tensorflow
from tfnative.cli import main

GPU = ("/device:GPU:0", "GPU", 8_000_000_000)
HEAD = "import json, os, sys, time\ndef say(**c): print(json.dumps(c), flush=True)\n"
LIBRARY = "say(path='/lib/libtensorflow_cc.so.2', version='2.21.0')\n"
DEVICES = f"say(devices=[('/device:CPU:0', 'CPU', 0), {GPU}])\n"


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("TFNATIVE_CPU_LEVEL", "CC", "CXX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TFNATIVE_CACHE", str(tmp_path / "cache"))
    return tmp_path


def answer(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Puts a program in the place of the one that opens TensorFlow's library."""
    monkeypatch.setattr(tensorflow, "_PROGRAM", HEAD + program)


def test_it_says_what_is_here(monkeypatch, capsys, place):
    answer(monkeypatch, LIBRARY + DEVICES)
    monkeypatch.setenv("TFNATIVE_CPU_LEVEL", "x86-64-v2")
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert tfnative.__version__ in shown
    assert "2.21.0 (/lib/libtensorflow_cc.so.2)" in shown
    assert "/device:GPU:0, 8.0 GB" in shown
    assert "TFNATIVE_CPU_LEVEL=x86-64-v2" in shown
    assert f"{place / 'cache'}: 0 models" in shown
    assert not (place / "cache").exists(), "it only looks"


def test_json_has_the_same(monkeypatch, capsys):
    answer(monkeypatch, LIBRARY + DEVICES)
    assert main(["doctor", "--json", "--require", "tensorflow,gpu"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["tensorflow"]["version"] == "2.21.0"
    assert content["tensorflow"]["devices"][1]["memory_bytes"] == 8_000_000_000
    assert content["required_but_missing"] == []
    assert content["cpu"]["level"] in ("", *content["cpu"]["levels"])


def test_the_exit_code_is_0_unless_what_is_required_is_missing(monkeypatch, capsys):
    answer(monkeypatch, LIBRARY + "say(devices=[])")
    assert main(["doctor"]) == 0
    assert main(["doctor", "--require", "tensorflow"]) == 0
    capsys.readouterr()
    assert main(["doctor", "--require", "tensorflow", "--require", "gpu"]) == 1
    shown = capsys.readouterr().out
    assert "required, but missing: gpu" in shown
    assert 'pip install "tensorflow[and-cuda]"' in shown
    with pytest.raises(SystemExit) as exit_info:
        main(["doctor", "--require", "time"])
    assert exit_info.value.code == 2


@pytest.mark.parametrize(
    ("program", "path", "problem"),
    [
        (LIBRARY + "os.abort()", "/lib/libtensorflow_cc.so.2", "SIGABRT"),
        ("print('no symbol', file=sys.stderr); sys.exit(9)", "", "code 9\nno symbol"),
        ("time.sleep(60)", "", "did not answer within 2 seconds"),
        (LIBRARY + "print('{\"devi', end='')", "/lib/libtensorflow_cc.so.2", ""),
        ("say(problem='there is none: pip install x')", "", "pip install x"),
    ],
)
def test_a_library_that_crashes_or_hangs_does_not_take_the_doctor_with_it(
    monkeypatch, program, path, problem
):
    answer(monkeypatch, program)
    found = find_tensorflow(timeout=2)
    assert (found.path, found.devices) == (path, ())
    assert problem in found.problem
    assert bool(found.problem) == bool(problem)


def test_an_interpreter_that_cannot_be_started_is_a_problem(monkeypatch):
    monkeypatch.setattr(tensorflow.sys, "executable", "/nowhere/python")
    assert "/nowhere/python" in find_tensorflow().problem


def test_each_missing_thing_says_what_it_is_for_and_what_installs_it(
    monkeypatch, place
):
    answer(monkeypatch, "say(problem='there is none')")
    monkeypatch.setenv("PATH", str(place))
    find = importlib.util.find_spec
    hidden = ("ziglang", "tensorflow")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *a: None if n in hidden else find(n, *a)
    )
    found = report.examine()
    for feature in report.FEATURES:
        assert found.lacks(feature)
    said = [f"{m.what} {m.fix}" for m in found.missing]
    assert all(m.purpose for m in found.missing)
    assert any("apt install g++" in text for text in said)
    assert any('pip install "tfnative[aot]"' in text for text in said)
    assert any("pip install tensorflow" in text for text in said)


def test_without_the_compilers_package_it_says_so(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda *a: None)
    assert 'pip install "tfnative[aot]"' in compiling.find_compiling().problems[0]


def test_a_compiler_that_does_not_run_is_named(monkeypatch):
    monkeypatch.setenv("CC", "no-such-cc")
    monkeypatch.setenv("CXX", "no-such-cxx")
    found = compiling.find_compiling()
    assert found.compilers[0].command == "no-such-cc"
    assert any("no-such-cc" in problem for problem in found.problems)


def test_levels_are_those_that_the_cpu_runs(monkeypatch):
    monkeypatch.setattr(machine, "host_cpu_level", lambda: "x86-64-v3")
    cpu = machine.find_cpu()
    assert cpu.levels == ("x86-64-v2", "x86-64-v3")
    assert (cpu.level, cpu.problem) == ("x86-64-v3", "")
    monkeypatch.setenv("TFNATIVE_CPU_LEVEL", "x86-64-v2")
    assert machine.find_cpu().level == "x86-64-v2"
    monkeypatch.setenv("TFNATIVE_CPU_LEVEL", "x86-64-v4")
    assert "cannot run" in machine.find_cpu().problem
    monkeypatch.delenv("TFNATIVE_CPU_LEVEL")
    monkeypatch.setattr(machine, "host_cpu_level", lambda: "x86-64")
    assert machine.find_cpu().levels == ()


def test_the_levels_of_this_cpu_are_the_compilers(monkeypatch):
    targets = pytest.importorskip("tfnative_aot.machines.targets")
    host = targets.host_target()
    expected = [lv.name for lv in host.levels if targets.host_runs(host, lv)]
    assert list(machine.find_cpu().levels) == expected
    assert _core.host_cpu_level().startswith(("x86-64", "aarch64"))


def test_variables_that_are_misspelt_are_pointed_at(monkeypatch):
    monkeypatch.setattr(
        report, "find_tensorflow", lambda: Tensorflow("", "", (), "none")
    )
    monkeypatch.setenv("TFNATIVE_CACHE_DIR", "x")
    said = [missing.what for missing in report.examine().missing]
    assert "TFNATIVE_CACHE_DIR is set, but tfnative does not know it" in said


def test_a_cache_that_cannot_be_made_is_pointed_at(monkeypatch, place):
    monkeypatch.setattr(
        report, "find_tensorflow", lambda: Tensorflow("", "", (), "none")
    )
    (place / "file").write_text("")
    monkeypatch.setenv("TFNATIVE_CACHE", str(place / "file" / "cache"))
    found = report.examine()
    assert "is no folder" in found.cache.problem
    assert any(missing.what == found.cache.problem for missing in found.missing)
