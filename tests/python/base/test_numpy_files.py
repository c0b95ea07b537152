# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""NumPy's files are read, or it is said that they are none, however damaged."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tfnative._base.numpy_files import load_numpy

ARRAYS = {"x": np.arange(60.0).reshape(12, 5), "y": np.array([True, False])}


def written(*, compressed: bool) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(
        file, allow_pickle=False, **ARRAYS
    )
    return file.getvalue()


WHOLE = [written(compressed=compressed) for compressed in (False, True)]


@pytest.mark.parametrize("content", WHOLE)
def test_arrays_are_read_by_name(content: bytes, tmp_path: Path):
    (tmp_path / "x.npz").write_bytes(content)
    found = load_numpy(tmp_path / "x.npz")
    assert isinstance(found, dict)
    assert found.keys() == ARRAYS.keys()
    np.testing.assert_array_equal(found["x"], ARRAYS["x"])


@given(st.sampled_from(WHOLE), st.floats(0, 1, exclude_max=True), st.binary(max_size=9))
def test_a_damaged_file_is_read_or_refused_and_raises_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, at: float, other: bytes
):
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    place = int(at * len(content))
    for damaged in (
        content[:place] + other,
        content[:place] + other + content[place + len(other) :],
    ):
        path.write_bytes(damaged)
        with contextlib.suppress(ValueError):
            load_numpy(path)


def test_what_is_no_array_is_refused(tmp_path: Path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "hello")
    with pytest.raises(ValueError, match=r"readme\.txt in it is no array"):
        load_numpy(path)
    np.save(tmp_path / "x.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="it has Python objects"):
        load_numpy(tmp_path / "x.npy")
    (tmp_path / "x.npz").write_bytes(b"garbage")
    with pytest.raises(ValueError, match=r"neither a \.npy nor a \.npz"):
        load_numpy(tmp_path / "x.npz")
    with pytest.raises(FileNotFoundError):
        load_numpy(tmp_path / "no.npz")
