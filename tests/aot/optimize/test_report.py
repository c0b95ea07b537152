# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""optimize writes a report with the model, or neither of the two."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf  # noqa: TID253 - only imported where there is one

import tfnative
from tests.conftest import Export
from tests.models import ZOO
from tests.python.draw.graphviz_needed import needs_dot, needs_jinja
from tfnative._base import output_file
from tfnative._draw import render
from tfnative.errors import (
    CompileError,
    FailedPreconditionError,
    InvalidArgumentError,
    ResourceExhaustedError,
)
from tfnative_aot.optimize import optimize as optimizing, report as reporting
from tfnative_aot.optimize.changed_weights import changed_weights

pytestmark = [
    needs_dot,
    needs_jinja,
]
ODD = "<b>\"net'&amp;"


def test_the_report_shows_what_every_step_did(export: Export, tmp_path: Path):
    model = tmp_path / ODD
    model.symlink_to(export(ZOO["conv2d_even"]))
    report = tmp_path / "net.html"
    done = tfnative.optimize(
        model,
        tmp_path / "small",
        transforms="fold_constants fold_batch_norms quantize_weights(minimum_size=64)",
        report=report,
    )
    text = report.read_text()
    assert text.count("<section") == len(done.steps) == 4
    assert "batch norm folded in" in text
    assert "weights in 8 bits" in text
    assert text.count('class="now"') >= 2
    for step in done.steps:
        assert f"{step.bytes:,}" in text


def test_where_writing_fails_all_is_as_it_was(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    report, output = tmp_path / "net.html", tmp_path / "small"
    report.write_text("mine")

    def fail(*args: Any) -> None:
        raise OSError(28, "No space left on device", str(output))

    monkeypatch.setattr(optimizing, "write_saved_model", fail)
    with pytest.raises(ResourceExhaustedError, match=r"write .*small: the disk of "):
        tfnative.optimize(
            *(export(ZOO["mlp"]), output), transforms="fold_constants", report=report
        )
    assert report.read_text() == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["net.html"]


class _Full:
    """A file on a disk that is full, or broken."""

    def __init__(self, code: int) -> None:
        self._code = code

    def write(self, content: bytes) -> int:
        return len(content)

    def flush(self) -> None:
        raise OSError(self._code, os.strerror(self._code))


@pytest.mark.parametrize(
    ("code", "error", "advice"),
    [
        (errno.ENOSPC, ResourceExhaustedError, "make room there, or choose another"),
        (errno.EIO, CompileError, "Input/output error"),
    ],
)
def test_a_report_that_cannot_be_written_is_named_and_the_model_is_as_it_was(
    code: int,
    error: type[Exception],
    advice: str,
    export: Export,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    output, report = tmp_path / "small", tmp_path / "net.html"
    tfnative.optimize(export(ZOO["mlp"]), output, transforms="")
    was = (output / "saved_model.pb").read_bytes()
    report.write_text("mine")
    whole = output_file.write_whole

    def full(path: Path, write: output_file.Write) -> None:
        whole(path, lambda file: write(_Full(code)))

    monkeypatch.setattr(reporting, "write_whole", full)
    with pytest.raises(error, match=advice) as caught:
        tfnative.optimize(
            export(ZOO["mlp"]), output, transforms="fold_constants", report=report
        )
    said = str(caught.value)
    assert said.startswith(f"cannot write the report (--report) {report}: ")
    assert said.endswith(f"; {output} is as it was before")
    assert "TMPDIR" not in said
    assert (output / "saved_model.pb").read_bytes() == was
    assert report.read_text() == "mine"
    assert {each.name for each in tmp_path.iterdir()} == {"small", "net.html"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_device_that_takes_no_report_leaves_no_model(export: Export, tmp_path: Path):
    (tmp_path / "net.html").symlink_to("/dev/full")
    with pytest.raises(
        ResourceExhaustedError, match=r"the report .*net\.html: the disk"
    ):
        tfnative.optimize(
            *(export(ZOO["mlp"]), tmp_path / "small"),
            transforms="",
            report=tmp_path / "net.html",
        )
    assert [each.name for each in tmp_path.iterdir()] == ["net.html"]


def test_a_pipe_takes_the_report(export: Export, tmp_path: Path):
    reader, writer = os.pipe()
    (tmp_path / "net.html").symlink_to(f"/proc/self/fd/{writer}")
    with open(reader, "rb") as file, ThreadPoolExecutor(1) as pool:
        page = pool.submit(file.read)
        try:
            tfnative.optimize(
                *(export(ZOO["mlp"]), tmp_path / "small"),
                transforms="",
                report=tmp_path / "net.html",
            )
        finally:
            os.close(writer)
        assert page.result().startswith(b"<!DOCTYPE html>")
    assert (tmp_path / "small" / "saved_model.pb").exists()


def test_what_cannot_be_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """There is no such model, which would be said first otherwise."""
    model, output = tmp_path / "model", tmp_path / "small"
    for report, said in (
        (output / "net.html", "would be a part of .*small"),
        (model / "net.html", "would be a part of .*model"),
        (tmp_path / "no" / "net.html", "there is no folder"),
        (tmp_path / "net.txt", "ends in .html"),
    ):
        with pytest.raises(InvalidArgumentError, match=said):
            tfnative.optimize(model, output, report=report)
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    with pytest.raises(FailedPreconditionError, match="apt-get install graphviz"):
        tfnative.optimize(model, output, report=tmp_path / "net.html")
    assert not list(tmp_path.iterdir())


def test_strict_leaves_no_report_of_what_failed(export: Export, tmp_path: Path):
    with pytest.raises(CompileError, match="breaks"):
        tfnative.optimize(
            *(export(ZOO["mlp"]), tmp_path / "small"),
            transforms="round_weights(num_steps=2)",
            report=tmp_path / "net.html",
            strict=True,
        )
    assert not list(tmp_path.iterdir())


def product(weights: Any, name: str = "w") -> Any:
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 8], name="x")
        tf.matmul(x, tf.constant(weights, name=name), name="y")
    return graph.as_graph_def()


def test_a_histogram_counts_every_weight():
    weights = np.random.default_rng(1).standard_normal((8, 8)).astype(np.float32)
    rounded = np.round(weights)
    for name in ("w", "other"):  # The same product reads both.
        (found,), more = changed_weights(product(weights), product(rounded, name), 5)
        assert more == 0
        assert sum(found.histogram.before) == sum(found.histogram.after) == 64
        assert found.distinct == (64, len(np.unique(rounded)))
        assert np.isclose(found.largest_change, np.max(np.abs(rounded - weights)))
    assert changed_weights(product(weights), product(weights), 5) == ((), 0)
    assert changed_weights(product(weights), product(rounded), 0) == ((), 1)


def test_odd_values_have_a_histogram_too():
    odd = np.full((8, 8), np.nan, np.float32)
    odd[0] = np.inf
    ones = np.ones((8, 8), np.float32)
    (found,), _ = changed_weights(product(odd), product(ones), 5)
    assert sum(found.histogram.before) == 0
    assert sum(found.histogram.after) == 64
