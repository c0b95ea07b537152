# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""An export that is interrupted, or has no space, leaves the version that there was."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data import Data, open_data
from training.errors import ExportError
from training.export import check_output, saved_model
from training.models import build_model
from training.options import FitOptions

pytestmark = pytest.mark.slow

STEPS = ("_write_model", "_write_arrays", "_note", "put")
KINDS = ("heldout", "golden", "calibration")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A version that is served, with its files."""
    output = tmp_path / "models" / "1"
    output.mkdir(parents=True)
    (output / "saved_model.pb").write_text("old")
    for kind in KINDS:
        np.savez(saved_model.beside(output, kind), rows=np.zeros(1))
    return output


@pytest.fixture(scope="module")
def data(data_root: Path) -> Data:
    return open_data("diabetes", data_root / "diabetes")


@pytest.fixture(scope="module")
def model(data: Data) -> Any:
    return build_model("mlp", data)


def export(model: Any, data: Data, output: Path) -> None:
    import keras

    options = FitOptions(model="mlp", data="diabetes", overwrite=True)
    saved_model.export(model, data, output, options=options, keras=keras)


def content(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


RAISED: list[type[BaseException]] = [KeyboardInterrupt, OSError]


@pytest.mark.parametrize("raised", RAISED, ids=["interrupted", "no space"])
@pytest.mark.parametrize("step", STEPS)
def test_whatever_step_fails_the_old_version_stays(
    step: str, raised: type[BaseException], old: Path, monkeypatch: pytest.MonkeyPatch
):
    def does(name: str) -> Any:
        def written(*given: Any) -> None:
            if name == "_write_model":
                given[2].mkdir()
                (given[2] / "saved_model.pb").write_text("new")
            if name == step:
                if raised is KeyboardInterrupt:
                    raise KeyboardInterrupt
                raise OSError(errno.ENOSPC, "No space left on device")

        return written

    for name in STEPS:
        monkeypatch.setattr(saved_model, name, does(name))
    before = content(old.parent)
    expected = ExportError if raised is OSError else KeyboardInterrupt
    said = "free some space" if raised is OSError else None
    with pytest.raises(expected, match=said):
        export(None, None, old)  # type: ignore[arg-type]
    assert content(old.parent) == before
    assert not list(old.parent.glob(".*"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with less space than a model has bytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(disk)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs the right to mount a small disk: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_said_and_leaves_nothing(
    model: Any, data: Data, small_disk: Path
):
    output = small_disk / "1"
    output.mkdir()
    (output / "saved_model.pb").write_text("old")
    with pytest.raises(ExportError, match="free some space"):
        export(model, data, output)
    assert content(small_disk) == {str(output / "saved_model.pb"): b"old"}
    assert [path.name for path in small_disk.iterdir()] == ["1"]


def test_what_was_killed_with_other_rows_is_noticed(
    model: Any, data: Data, old: Path, monkeypatch: pytest.MonkeyPatch
):
    class KilledError(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise KilledError

    # After the model has its name, and before its rows have.
    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KilledError):
        export(model, data, old)
    monkeypatch.undo()
    assert (old / "saved_model.pb").read_bytes() != b"old"
    with pytest.raises(ExportError, match="other rows"):
        saved_model.check_beside(old, "heldout")
    export(model, data, old)
    for kind in KINDS:
        saved_model.check_beside(old, kind)
    check_output(old, overwrite=True)
    assert {path.name for path in old.parent.iterdir()} == {
        old.name,
        *(f"{old.name}_{kind}.npz" for kind in KINDS),
    }
