# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Rows to compare with that were damaged, or are of something else, are no rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.errors import ExportError
from training.export import check, heldout_path

ROWS = np.zeros((4, 2), np.float32)
CLASSES = np.arange(4)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"features": ROWS}, "has features, not features and labels"),
        ({"labels": CLASSES}, "has labels, not features and labels"),
        (
            {"features": ROWS, "labels": CLASSES[:3]},
            r"\(4,\) of features, \(3,\) of",
        ),
        ({"features": ROWS[:0], "labels": CLASSES[:0]}, r"\(0,\) of .*one at least"),
        ({"features": ROWS, "labels": np.array(1)}, r"\(\) of labels, not as many"),
        ({"features": ROWS, "labels": np.array([{}] * 4)}, "is damaged .*pickle"),
        ("cut off", "is damaged"),
        ("empty", "is damaged"),
        ("other", "is damaged"),
    ],
    ids=(
        *("no labels", "no features", "fewer labels", "no rows", "one label"),
        *("objects", "cut off", "empty", "a text"),
    ),
)
def test_held_out_rows_that_are_none_are_named(
    tmp_path: Path, arrays: object, said: str
):
    path = heldout_path(tmp_path / "model")
    if isinstance(arrays, dict):
        np.savez(path, **arrays)
    else:
        np.savez(path, features=ROWS, labels=CLASSES)
        whole = path.read_bytes()
        content = {"cut off": whole[:-40], "empty": b"", "other": b"a text\n" * 9}
        path.write_bytes(content[str(arrays)])
    with pytest.raises(ExportError, match=rf"model_heldout\.npz .*{said}.*: export "):
        check(tmp_path / "model", tmp_path / "out")
    assert not (tmp_path / "out").exists()
