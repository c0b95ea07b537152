# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""selftest finds what has changed since the model was compiled."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import tfnative
from tests.python.conftest import WEIGHTS


@pytest.fixture
def copied(fake: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fake, tmp_path / "fake"))


def write_golden(folder: Path, **arrays: np.ndarray) -> None:
    named = {name.replace("_", ":"): array for name, array in arrays.items()}
    np.savez(folder / "golden" / "affine.npz", **named)


def test_a_good_artifact_passes(fake):
    report = tfnative.selftest(fake)
    assert report.passed
    assert report.weights_intact
    (check,) = report.checks
    assert (check.signature, check.output, check.cpu_level) == (
        "affine",
        "y",
        "generic",
    )
    assert check.max_rel_error == 0


def test_results_that_differ_fail(copied):
    x = np.ones((2, 3), np.float32)
    write_golden(copied, input_x=x, output_y=2 * x + 1.001)
    report = tfnative.selftest(copied)
    assert not report.passed
    assert report.checks[0].max_abs_error == pytest.approx(1e-3, rel=1e-3)


def test_nan_where_there_was_none_fails(copied):
    x = np.ones((2, 3), np.float32)
    write_golden(copied, input_x=np.full_like(x, np.nan), output_y=2 * x + 1)
    assert tfnative.selftest(copied).checks[0].max_rel_error == float("inf")


def test_damaged_weights_are_found(copied):
    library = copied / "libfake.so"
    content = bytearray(library.read_bytes())
    content[content.index(WEIGHTS) + 100] ^= 1
    library.write_bytes(content)
    report = tfnative.selftest(copied)
    assert not report.weights_intact
    assert not report.passed


def test_missing_or_broken_golden_vectors_are_a_load_error(copied):
    golden = copied / "golden" / "affine.npz"
    golden.write_bytes(golden.read_bytes()[:100])
    with pytest.raises(tfnative.LoadError, match="golden vectors"):
        tfnative.selftest(copied)
    golden.unlink()
    with pytest.raises(tfnative.LoadError, match="golden vectors"):
        tfnative.selftest(copied)


def test_where_nothing_is_compared_nothing_passes():
    assert not tfnative.SelfTestReport("fake", True, (), ("x86-64-v9",)).passed


def test_a_level_that_cannot_run_is_an_error_if_it_was_asked_for(fake):
    with pytest.raises(tfnative.LoadError):
        tfnative.selftest(fake, cpu_level="x86-64-v9")


def test_bench_measures_every_signature(fake):
    with pytest.raises(tfnative.InternalError):  # One of them always fails.
        tfnative.bench(fake, seconds=0.01)
