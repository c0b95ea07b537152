# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""`tfnative tune`: output, files, exit codes."""

from __future__ import annotations

import importlib.util
import json
import sys

import pytest

import tfnative
from tfnative.cli import main

SHORT = ("--seconds", "0.03", "--batch-threads", "1")


def tune(fake, *arguments: object) -> int:
    command = ["tune", str(fake), "--signature", "affine", *SHORT]
    if "--rate" not in arguments:
        command += ["--concurrency", "2"]
    return main([*command, *map(str, arguments)])


def test_it_shows_how_long_batches_take_and_how_each_trial_did(fake, capsys):
    assert tune(fake, "--max-batch-sizes", "2,16", "--timeouts", "0,50") == 0
    lines = capsys.readouterr().out.splitlines()
    header, *rows = [line.split() for line in lines[1 : lines.index("")]]
    assert header == ["rows", "median", "us", "us", "per", "row"]
    assert [row[0] for row in rows] == ["1", "2", "4", "5", "10", "16"]
    trials = lines[lines.index("batched") + 2 : -2]
    assert [line.split()[:3] for line in trials] == [
        [size, timeout, "1"] for size in ("2", "16") for timeout in ("0", "50")
    ]
    assert [line.endswith("  proposed") for line in trials].count(True) == 1


def test_what_it_proposes_is_python_and_a_file_that_say_the_same(
    fake, model, tmp_path, capsys
):
    output = tmp_path / "batching.txt"
    arguments = ["--timeouts", "0,100", "--batch-threads", "3"]
    assert tune(fake, *arguments, "--output", output) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    batcher = eval(line, {"tfnative": tfnative, "model": model})
    with (
        batcher,
        tfnative.Batcher.from_text_proto(output, model, signature="affine") as read,
    ):
        for name in ("max_batch_size", "batch_timeout_micros", "num_batch_threads"):
            assert read.options[name] == batcher.options[name]
        assert (batcher.predict([[1, 2, 3]]) == [[3, 5, 7]]).all()


def test_what_batches_are_padded_to_is_shown_and_proposed(fake, model, capsys):
    arguments = ["--max-batch-sizes", "4", "--timeouts", "0", "--threads", "2"]
    assert tune(fake, *arguments, "--allowed-batch-sizes", "2,4") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "padded to" in lines[lines.index("batched") + 1]
    plain, padded = lines[lines.index("batched") + 2 :][:2]
    assert plain.split()[:4] == ["4", "0", "1", "-"]
    assert padded.split()[:5] == ["4", "0", "1", "2,", "4"]
    assert lines[-2] == f"model = tfnative.load({str(fake)!r}, threads=2)"
    assert ("allowed_batch_sizes=(2, 4)" in lines[-1]) == ("proposed" in padded)


@pytest.mark.parametrize("arguments", [["--json"], ["--json", "-"]])
def test_it_prints_json_only(fake, capsys, arguments):
    options = ["--max-batch-sizes", "2,16", "--latency-target-ms", "1000"]
    assert tune(fake, *options, "--timeouts", "50", *arguments) == 0
    report = json.loads(capsys.readouterr().out)
    sizes = [trial["parameters"]["max_batch_size"] for trial in report["trials"]]
    assert sizes == [2, 16]
    assert report["proposed"] in report["trials"]
    assert report["in_time"] is True


def test_it_writes_json_beside_the_table(fake, tmp_path, capsys):
    file = tmp_path / "tune.json"
    assert tune(fake, "--max-batch-sizes", "4", "--json", file, "--rate", 300) == 0
    assert "tfnative.Batcher(model, signature='affine'," in capsys.readouterr().out
    assert json.loads(file.read_text())["signature"] == "affine"
    assert [path.name for path in tmp_path.iterdir()] == ["tune.json"]


@pytest.mark.parametrize(("name", "begin"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xm")])
def test_it_draws(fake, tmp_path, name, begin):
    pytest.importorskip("matplotlib")
    arguments = ["--max-batch-sizes", "4", "--chart", tmp_path / name]
    assert tune(fake, "--timeouts", "0", *arguments, "--latency-target-ms", "9") == 0
    assert (tmp_path / name).read_bytes().startswith(begin)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_drawing_without_matplotlib_says_what_to_install(fake, monkeypatch, capsys):
    real = importlib.util.find_spec

    def find_spec(name: str, *rest: object) -> object:
        return None if name == "matplotlib" else real(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    assert tune(fake, "--chart", "tune.png") == 1
    error = capsys.readouterr().err
    assert 'pip install "tfnative[chart]"' in error
    assert "trials" not in error  # It has not begun.


def test_matplotlib_is_not_imported_unless_asked_for(fake, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert tune(fake, "--max-batch-sizes", "4", "--timeouts", "0") == 0


def test_the_time_it_takes_is_said_and_progress_shown_to_who_looks(
    fake, monkeypatch, capsys
):
    arguments = ["--max-batch-sizes", "2,4", "--timeouts", "0"]
    assert tune(fake, *arguments) == 0
    assert capsys.readouterr().err == "2 trials, about 0 s\n"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert tune(fake, *arguments) == 0
    shown = capsys.readouterr().err
    assert shown.startswith("2 trials, about 0 s\n\rtrial 1 of 2, 0 s left")
    assert shown.rstrip(" \n").endswith("\rtrial 2 of 2, 0 s left")


def test_it_says_so_if_nothing_is_in_time(fake, capsys):
    options = ["--max-batch-sizes", "4", "--timeouts", "0"]
    assert tune(fake, *options, "--latency-target-ms", "0.001") == 0
    shown = capsys.readouterr().out
    assert "No trial answered 99 of 100 requests within 0.001 ms" in shown
    assert tune(fake, *options, "--rate", "1e7") == 0
    shown = capsys.readouterr().out
    assert "Every trial failed more than one request of 100" in shown


@pytest.mark.parametrize(
    "argument",
    [
        "--concurrency=0",
        "--rate=-1",
        "--seconds=0",
        "--latency-target-ms=0",
        "--threads=0",
        "--batch-threads=0",
        "--max-batch-sizes=-4",
    ],
)
def test_numbers_out_of_range_are_a_wrong_command(fake, capsys, argument):
    with pytest.raises(SystemExit) as ended:
        main(["tune", str(fake), "--signature", "affine", argument])
    assert ended.value.code == 2
    flag = argument.partition("=")[0]
    assert f"argument {flag}: expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-threads", "2000"], "num_batch_threads must be in 1 to 1024"),
        (["--allowed-batch-sizes", "4,2"], "must be positive and ascending"),
        (["--signature", "no"], "'no'"),
        (["--output", "/no/such/folder/x"], "there is no folder /no/such/folder"),
        (["--json", "/"], "cannot write /: it is a folder"),
        (["--chart", "tune.doc"], "expected a file that ends in .png, .svg, .pdf"),
    ],
)
def test_it_refuses_what_makes_no_sense(fake, capsys, arguments, message):
    assert main(["tune", str(fake), "--signature", "affine", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tfnative tune: error: ")
    assert message in error


@pytest.mark.parametrize(
    "arguments",
    [
        ["--timeouts", "soon"],
        ["--rate", "9", "--concurrency", "2"],
        ["--allowed-batch-sizes"],
    ],
)
def test_commands_that_are_wrong_exit_with_2(fake, capsys, arguments):
    with pytest.raises(SystemExit) as exit_info:
        tune(fake, *arguments)
    assert exit_info.value.code == 2
    assert "usage: tfnative tune" in capsys.readouterr().err
