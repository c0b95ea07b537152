# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The command line on SavedModels that TensorFlow runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tfnative._cli.array_files import write_output
from tfnative.cli import main

pytest.importorskip("tensorflow")

Saved = Callable[[str], Path]
Lines = Callable[..., str]


@pytest.fixture
def tfn(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Runs a command that succeeds, and what it prints."""

    def run(*arguments: object) -> str:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return captured.out

    return run


def test_run_predicts_with_tensorflow(saved: Saved, tfn: Lines, tmp_path: Path):
    np.save(tmp_path / "x.npy", np.float32([[1, 2, 3]]))
    arguments = ("--signature", "affine", "--input", tmp_path / "x.npy")
    tfn(
        *("run", saved("affine"), "--backend", "tensorflow", "--device", "cpu"),
        *(*arguments, "--output", tmp_path / "y.npy"),
    )
    expected = tfnative.load(saved("affine"), backend="tensorflow").predict(
        np.float32([[1, 2, 3]]), signature="affine"
    )
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected)


def test_run_reads_and_writes_strings(saved: Saved, tfn: Lines, tmp_path: Path):
    def copied(words: object) -> list[bytes]:
        np.save(tmp_path / "x.npy", words)
        tfn(
            *("run", saved("every_dtype"), "--backend", "tensorflow"),
            *("--signature", "string", "--input", tmp_path / "x.npy"),
            *("--output", tmp_path / "y.npy"),
        )
        found: list[bytes] = np.load(tmp_path / "y.npy").tolist()
        return found

    assert copied(np.array(["eins", "zwölf"])) == [b"eins", "zwölf".encode()]
    assert copied(np.array([b"\xff", b""])) == [b"\xff", b""]
    assert copied(np.empty(0, "U3")) == []


def test_strings_that_a_file_would_not_keep_are_refused(tmp_path: Path):
    words = np.array([b"a\0", b"b"], object)
    with pytest.raises(tfnative.InvalidArgumentError, match="zero bytes"):
        write_output(tmp_path / "y.npy", words)
    assert not list(tmp_path.iterdir())


def test_inspect_shows_the_signatures_of_a_saved_model(saved: Saved, tfn: Lines):
    shown = tfn("inspect", saved("affine"))
    assert "run by TensorFlow 2." in shown
    assert "device:CPU:0" in shown
    assert "signature affine" in shown
    assert "float32  (rows, 3)" in shown

    content = json.loads(tfn("inspect", saved("words"), "--json"))
    assert content["backend"] == "tensorflow"
    assert content["devices"][0]["type"] == "CPU"
    (signature,) = content["signatures"].values()
    assert signature["inputs"][0]["dtype"] == "string"

    assert " any" in tfn("inspect", saved("unknown_sizes"))


def test_bench_times_tensorflow(saved: Saved, tfn: Lines):
    arguments = ("--backend", "tensorflow", "--seconds", "0.01", "--json")
    rows = json.loads(
        tfn("bench", saved("affine"), *arguments, "--signature", "affine")
    )
    assert [row["rows"] for row in rows] == [1, 32]
    assert all(row["median_micros"] > 0 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("run", "affine", "--input", "x.npy"), 'backend="auto"'),
        (("bench", "unknown_sizes", "--backend", "tensorflow"), "not known"),
        (("bench", "words", "--backend", "tensorflow"), "no inputs"),
        (("bench", "affine", "--backend", "tensorflow", "--threads", "2"), "threads"),
        (
            ("bench", "affine", "--backend", "tensorflow", "--profile"),
            "only the steps of compiled code",
        ),
        (("inspect", "affine", "--program"), "only compiled code"),
        (("inspect", "affine", "--device", "gpu:77"), "GPU"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said(
    saved: Saved, capsys: pytest.CaptureFixture[str], arguments, match: str
):
    command, model, *options = arguments
    assert main([command, str(saved(model)), *options]) == 1
    said = capsys.readouterr().err
    assert match in said
    assert "Traceback" not in said
