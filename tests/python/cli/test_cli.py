# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The command line: output, files, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.python.conftest import build_fake, manifest
from tfnative.cli import main


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tfnative", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    path = tmp_path / "x.npy"
    np.save(path, np.ones((5, 3), np.float32))
    return path


def test_version_and_help():
    assert run("--version").stdout.strip() == tfnative.__version__
    shown = run("--help").stdout
    assert "tfnative compile saved_models/digits" in shown
    for command in (
        "compile",
        "inspect",
        "selftest",
        "run",
        "bench",
        "tune",
        "wheel",
        "cache",
        "doctor",
    ):
        done = run(command, "--help")
        assert done.returncode == 0
        assert "examples:" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("inspect",),
        ("compile", "model"),
        ("compile", "model", "-o", "out", "--batch-sizes", "one"),
        ("bench", "x", "--seconds", "long"),
    ],
    ids=str,
)
def test_wrong_commands_exit_with_2(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage: tfnative" in done.stderr


def test_errors_exit_with_1_and_without_a_traceback(tmp_path):
    done = run("inspect", tmp_path / "missing")
    assert done.returncode == 1
    assert done.stderr.startswith("tfnative inspect: error: cannot load")
    assert "Traceback" not in done.stderr


def test_inspect(fake, capsys):
    assert main(["inspect", str(fake)]) == 0
    text = capsys.readouterr().out
    assert "signature affine; batch sizes: 1, 4, 16" in text
    assert "(rows, 3)" in text
    assert main(["inspect", str(fake), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["signatures"]["affine"]["batch_sizes"] == [1, 4, 16]
    assert content["files"]["libfake.so"] > 0
    assert content["workspace_bytes"]["affine"] == {"1": 64, "4": 64, "16": 64}


def test_inspect_shows_what_compile_was_asked_for(fake, tmp_path, capsys):
    assert main(["inspect", str(fake)]) == 0
    assert "options of compile" not in capsys.readouterr().out
    asked = {"batch_sizes": [1, 8], "cpus": ["native"]}
    model = build_fake(tmp_path, json.dumps({**manifest(), "options": asked}))
    assert main(["inspect", str(model)]) == 0
    expected = 'options of compile: batch_sizes=[1, 8], cpus=["native"]\n'
    assert expected in capsys.readouterr().out
    assert main(["inspect", str(model), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["options"] == asked


def test_bench_profiles_a_signature(fake, tmp_path, capsys):
    trace = tmp_path / "trace.json"
    command = ["bench", str(fake), "--signature", "affine", "--profile"]
    assert main([*command, "--batch-sizes", "5", "--trace", str(trace)]) == 0
    shown = capsys.readouterr().out
    assert "y/mul" in shown
    assert "us in affine" in shown
    assert json.loads(trace.read_text())["traceEvents"]
    assert main([*command, "--threads", "2", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert {step["name"] for step in content["steps"]} == {"x", "y/mul"}


def test_bench_options_that_do_not_go_together_are_refused(fake, tmp_path, capsys):
    assert main(["bench", str(fake), "--trace", str(tmp_path / "t.json")]) == 2
    assert "--trace needs --profile" in capsys.readouterr().err
    command = ["bench", str(fake), "--profile", "--batch-sizes", "1,4"]
    assert main(command) == 2
    assert "one batch size" in capsys.readouterr().err


def test_inspect_program(fake, capsys):
    assert main(["inspect", str(fake), "--program"]) == 1
    assert "no listing of its programs" in capsys.readouterr().err
    listing = fake / "program.txt"
    listing.write_text("signature affine\n")
    try:
        assert main(["inspect", str(fake), "--program"]) == 0
    finally:
        listing.unlink()
    assert capsys.readouterr().out == "signature affine\n"


def test_selftest(fake, capsys):
    assert main(["selftest", str(fake)]) == 0
    assert "fake: passed" in capsys.readouterr().out
    assert main(["selftest", str(fake), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True


def test_run_writes_what_was_asked_for(fake, images, tmp_path, capsys):
    out = tmp_path / "y.npy"
    command = ["run", str(fake), "--signature", "affine"]
    assert main([*command, "--input", f"x={images}", "--output", f"y={out}"]) == 0
    assert (np.load(out) == 3).all()
    assert "(5, 3)" in capsys.readouterr().out
    assert main([*command, "--input", str(images), "--output", str(out), "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert described == [{"output": "y", "dtype": "float32", "shape": [5, 3]}]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.npy", "y.npy"]


def test_run_takes_and_writes_npz(fake, tmp_path):
    both = tmp_path / "in.npz"
    np.savez(both, a=np.ones(3, np.float32), b=np.float64(2))
    out = tmp_path / "out.npz"
    command = ["run", str(fake), "--signature", "pair"]
    assert main([*command, "--input", str(both), "--output", str(out)]) == 0
    with np.load(out) as results:
        assert results["product"].tolist() == [2, 2, 2]
        assert results["b"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--input", "missing.npy"], "there is no file missing.npy"),
        (["--input", "z={x}"], "input 'x' is missing"),
        (["--input", "{x}", "--output", "z=z.npy"], "expected NAME=FILE.npy"),
        (["--input", "{x}", "--output", "y=/no/such/folder/y.npy"], "cannot write"),
        (["--input", "{text}"], "is not a NumPy file"),
    ],
    ids=str,
)
def test_run_says_what_is_wrong(fake, images, tmp_path, capsys, arguments, message):
    text = tmp_path / "text.npy"
    text.write_text("hello")
    filled = [a.format(x=images, text=text) for a in arguments]
    assert main(["run", str(fake), "--signature", "affine", *filled]) == 1
    assert message in capsys.readouterr().err


def test_run_without_a_default_signature_lists_them(fake, images, capsys):
    assert main(["run", str(fake), "--input", str(images)]) == 1
    assert (
        "--signature takes one of affine, checked, constant" in capsys.readouterr().err
    )


def test_compile_errors_come_through(tmp_path, capsys):
    pytest.importorskip("tensorflow", reason="needs TensorFlow")
    command = ["compile", str(tmp_path / "missing"), "-o", str(tmp_path / "out")]
    assert main(command) == 1
    assert "there is no model at" in capsys.readouterr().err
    assert main([*command, "--shape", "x"]) == 2
    assert "expected NAME=SIZES" in capsys.readouterr().err
    assert main([*command, "--cpu", "avx"]) == 1
    assert "unknown CPU level avx" in capsys.readouterr().err
