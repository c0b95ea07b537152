# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: a run goes on as if nothing had happened, and a bad one says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.checkpoints import Checkpoints, claim
from training.cluster.common import peers_needed
from training.errors import CheckpointError, PeerLostError
from training.loop import Part, parts_of

pytestmark = pytest.mark.slow
ENDS = ("index", "data-00000-of-00001")


@pytest.fixture
def make() -> Callable[..., Any]:
    """A compiled model of two inputs, trained for some steps on the same rows."""
    import keras

    def made(steps: int = 0, units: int = 1) -> Any:
        keras.utils.set_random_seed(3)
        inputs = keras.Input((2,))
        model = keras.Model(inputs, keras.layers.Dense(units)(inputs))
        model.compile(keras.optimizers.Adam(0.1), loss="mse")
        train(model, steps)
        return model

    return made


def train(model: Any, steps: int) -> None:
    rows = np.asarray([[1, 2], [3, 4]], np.float32)
    for _ in range(steps):
        model.train_on_batch(rows, rows[:, :1])


def test_a_restored_run_ends_where_it_would_have_ended(
    make: Callable[..., Any], tmp_path: Path
):
    uninterrupted, before, after = make(6), make(4), make()
    Checkpoints(tmp_path, before).save()
    assert Checkpoints(tmp_path, after).restore() == 4
    train(after, 2)
    for expected, got in zip(
        uninterrupted.get_weights(), after.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(got, expected)


def test_without_a_checkpoint_a_run_begins_at_zero(
    make: Callable[..., Any], tmp_path: Path
):
    checkpoints = Checkpoints(tmp_path / "new", make())
    assert checkpoints.latest is None
    assert checkpoints.restore() == 0


def test_a_checkpoint_of_another_model_is_refused(
    make: Callable[..., Any], tmp_path: Path
):
    Checkpoints(tmp_path, make(1)).save()
    with pytest.raises(CheckpointError, match="does not fit this model"):
        Checkpoints(tmp_path, make(units=3)).restore()


def test_a_damaged_checkpoint_is_refused(make: Callable[..., Any], tmp_path: Path):
    path = Path(Checkpoints(tmp_path, make(1)).save())
    index, data = (tmp_path / f"{path.name}.{end}" for end in ENDS)
    for file, content in (
        (data, data.read_bytes()[:100]),
        (data, bytes(data.stat().st_size)),
        (data, b""),
        (index, b"damaged"),
    ):
        file.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"is damaged \([^{}\n]+\): choose"):
            Checkpoints(tmp_path, make()).restore()


def test_a_full_disk_leaves_the_last_good_checkpoint(
    make: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import tensorflow as tf

    model = make(1)
    checkpoints = Checkpoints(tmp_path, model)
    good = checkpoints.save()
    train(model, 1)

    def full(*arguments: Any, **options: Any) -> None:
        (tmp_path / "ckpt-2.data-00000-of-00001").write_bytes(b"half")
        (tmp_path / "ckpt-2_temp").mkdir()
        (tmp_path / "ckpt-2_temp" / "part-0").write_bytes(b"half")
        said = f"{{{{function_node x}}}} {'long/' * 40}; No space left on device"
        raise tf.errors.ResourceExhaustedError(None, None, said)

    monkeypatch.setattr(checkpoints._checkpoint, "_write", full)
    monkeypatch.setattr(checkpoints._checkpoint, "write", full)
    with pytest.raises(
        CheckpointError, match=r"\([^{]*No space left on device\); .*ckpt-1 s"
    ) as raised:
        checkpoints.save()
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.glob("ckpt-2*"))
    again = make()
    assert Checkpoints(tmp_path, again).restore() == 1
    assert Checkpoints(tmp_path, again).latest == good


def test_a_peer_that_dies_is_not_taken_for_a_full_disk_or_a_damaged_checkpoint(
    make: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import tensorflow as tf

    checkpoints = Checkpoints(tmp_path, make(1))
    good = checkpoints.save()

    def gone(*arguments: Any, **options: Any) -> None:
        said = "Unable to find a context_id matching the specified one"
        raise tf.errors.AbortedError(None, None, said)

    for name in ("_write", "write", "restore"):
        monkeypatch.setattr(checkpoints._checkpoint, name, gone)
    for ask in (checkpoints.save, checkpoints.restore):
        with pytest.raises(PeerLostError), peers_needed():
            ask()
    assert checkpoints.latest == good


def test_a_folder_that_is_a_file_is_refused(make: Callable[..., Any], tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot hold checkpoints"):
        Checkpoints(tmp_path / "file", make())


def test_checkpoints_are_of_one_model_and_data(
    make: Callable[..., Any], tmp_path: Path
):
    claim(tmp_path, "cnn", "fashion")
    claim(tmp_path, "cnn", "digits")  # Nothing is there that could be mistaken.
    Checkpoints(tmp_path, make(1)).save()
    claim(tmp_path, "cnn", "digits")
    for other, said in (
        (("cnn", "fashion"), "of data digits, not of data fashion"),
        (("mlp", "digits"), "of model cnn, not of model mlp"),
        (("mlp", "text"), "of data digits and model cnn, not of data text and"),
    ):
        with pytest.raises(CheckpointError, match=said):
            claim(tmp_path, *other)
    assert Checkpoints(tmp_path, make()).restore() == 1


def test_checkpoints_without_a_note_are_gone_on_with(
    make: Callable[..., Any], tmp_path: Path
):
    Checkpoints(tmp_path, make(1)).save()
    claim(tmp_path, "cnn", "digits")
    with pytest.raises(CheckpointError, match="are of data digits, not of data fash"):
        claim(tmp_path, "cnn", "fashion")


def test_steps_of_other_rows_are_not_gone_on_from(
    make: Callable[..., Any], tmp_path: Path
):
    claim(tmp_path, "cnn", "digits", batch_size=64, seed=1)
    claim(tmp_path, "cnn", "digits", batch_size=32, seed=7)  # No step was done.
    Checkpoints(tmp_path, make(1)).save()
    claim(tmp_path, "cnn", "digits", batch_size=32, seed=7)
    claim(tmp_path, "cnn", "digits")  # To export it, the order does not matter.
    for other, said in (
        ({"batch_size": 16, "seed": 7}, "of --batch-size 32, not of --batch-size 16:"),
        ({"batch_size": 32, "seed": 8}, "of --seed 7, not of --seed 8:"),
    ):
        with pytest.raises(CheckpointError, match=said):
            claim(tmp_path, "cnn", "digits", **other)


@pytest.mark.parametrize("content", ["", "garbage", None])
def test_without_the_name_of_the_last_checkpoint_no_run_begins_anew(
    content: str | None, make: Callable[..., Any], tmp_path: Path
):
    model = make(1)
    checkpoints = Checkpoints(tmp_path, model)
    checkpoints.save()
    train(model, 1)
    checkpoints.save()
    if content is None:
        (tmp_path / "checkpoint").unlink()
    else:
        (tmp_path / "checkpoint").write_text(content)
    for use in (lambda: Checkpoints(tmp_path, make()), lambda: claim(tmp_path, "", "")):
        with pytest.raises(CheckpointError, match=r'/checkpoint, .*: "ckpt-2" into it'):
            use()


def test_a_run_that_was_killed_in_its_first_checkpoint_begins_anew(
    make: Callable[..., Any], tmp_path: Path
):
    Checkpoints(tmp_path, make(1)).save()
    (tmp_path / "checkpoint").unlink()
    assert Checkpoints(tmp_path, make()).restore() == 0


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (0, 30, [Part(0, 10, 0, 3)]),
        (0, 5, [Part(0, 5, 0, 1)]),
        (10, 30, [Part(10, 10, 1, 3)]),
        (4, 30, [Part(4, 6, 0, 1), Part(10, 10, 1, 3)]),
        (4, 33, [Part(4, 6, 0, 1), Part(10, 10, 1, 3), Part(30, 3, 3, 4)]),
        (4, 6, [Part(4, 2, 0, 1)]),
        (30, 30, []),
    ],
)
def test_a_run_is_cut_at_epochs(first: int, last: int, expected: list[Part]):
    assert parts_of(first, last, 10) == expected
