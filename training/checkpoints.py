# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints from which a run goes on, by ``tf.train.CheckpointManager``.

A checkpoint has the model, the optimizer with its step, and nothing of the data: the
order of the rows follows from the seed and the step. It is of the same form with Keras
3 and tf-keras, so that whatever reads ``tf.train`` checkpoints, as SidecarEvaluator,
takes it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

from training.errors import CheckpointError, is_of_a_peer, reason_of
from training.files import written

OF = "of.json"
"""What the checkpoints of a folder are of: model, data, and the order of its rows."""


class Checkpoints:
    """The checkpoints of a run, in a folder. One thread uses it.

    Attributes:
        folder: Where they are.
    """

    def __init__(self, folder: Path, model: Any, *, keep: int = 3) -> None:
        """Nothing is read or written yet.

        Args:
            folder: Made, if it is not there.
            model: A compiled model: its optimizer is a part of the checkpoint.
            keep: How many to keep; older ones are removed.

        Raises:
            CheckpointError: The folder cannot be made, or does not say which of its
                checkpoints is the last.
        """
        import tensorflow as tf

        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(
                f"{folder} cannot hold checkpoints ({error.strerror}): choose another "
                "folder with --checkpoints"
            ) from error
        check_last(folder)
        self._optimizer = model.optimizer
        _build(model)
        self._checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, str(folder), max_to_keep=keep
        )

    @property
    def latest(self) -> str | None:
        """Path of the last checkpoint that is complete."""
        latest: str | None = self._manager.latest_checkpoint
        return latest

    @property
    def step(self) -> int:
        """Steps that the weights have behind them."""
        import tensorflow as tf

        # Keras 3 has TensorFlow's variable, which may be many, in one of its own.
        value = self._optimizer.iterations.value
        return int(tf.convert_to_tensor(value() if callable(value) else value))

    def restore(self) -> int:
        """Takes the last checkpoint, if there is one; returns its step, or 0.

        Raises:
            CheckpointError: It is damaged, or of another model.
        """
        import tensorflow as tf

        latest = self.latest
        if latest is None:
            return 0
        try:
            status = self._checkpoint.restore(latest)
            status.assert_existing_objects_matched()
        except (
            *(tf.errors.OpError, ValueError, AssertionError),
            IndexError,  # The reader of checkpoints says so of a file that is cut off.
        ) as error:
            if is_of_a_peer(error):
                raise
            raise CheckpointError(
                f"{latest} does not fit this model, or is damaged "
                f"({reason_of(error)}): choose an empty folder with --checkpoints, or "
                "train the model that it is of"
            ) from error
        return self.step

    def save(self) -> str:
        """Writes a checkpoint; what was there stays, if that fails.

        Raises:
            CheckpointError: The disk is full, or the folder cannot be written.
        """
        import tensorflow as tf

        before = self.latest
        step = self.step
        try:
            path: str = self._manager.save(checkpoint_number=step)
        except (tf.errors.OpError, OSError) as error:
            self._remove_partial(step)
            if is_of_a_peer(error):
                raise
            kept = f"{before} stays" if before else "there is none before it"
            raise CheckpointError(
                f"the checkpoint of step {step} cannot be written to {self.folder} "
                f"({reason_of(error)}); {kept}: free some space, and run the same "
                "command again"
            ) from error
        return path

    def _remove_partial(self, step: int) -> None:
        """TensorFlow leaves what it had written when the disk became full."""
        for path in self.folder.glob(f"ckpt-{step}.*"):
            with contextlib.suppress(OSError):
                path.unlink()
        remove_partial(self.folder)


def remove_partial(folder: Path) -> None:
    """Removes what whoever was killed left while writing a checkpoint, or had no space.

    TensorFlow writes files of its own names first, and the name of the checkpoint into
    the file ``checkpoint`` last: what has no name there is not read.
    """
    for path in (*folder.glob("*ckpt-*_temp*"), *folder.glob("*ckpt-*.tempstate*")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def check_last(folder: Path) -> None:
    """Refuses a folder of which TensorFlow would not see the checkpoints.

    It would begin with step 0, and write over them. A single one without the file that
    names it is what a run leaves that was killed while it wrote its first.

    Raises:
        CheckpointError: The file ``checkpoint``, which names the last one, is missing
            or damaged.
    """
    import tensorflow as tf

    names = folder / "checkpoint"
    try:
        if tf.train.get_checkpoint_state(str(folder)) is not None:
            return
    except (ValueError, tf.errors.OpError):
        pass
    found = sorted(folder.glob("*ckpt-*.index"), key=lambda path: path.stat().st_mtime)
    if not names.exists() and len(found) < 2:
        return
    mend = (
        f'write model_checkpoint_path: "{found[-1].stem}" into it to go on from there, '
        if found
        else ""
    )
    raise CheckpointError(
        f"{names}, which names the last checkpoint, is "
        f"{'damaged' if names.exists() else 'missing'}: {mend}or choose an empty "
        "folder with --checkpoints"
    )


def claim(folder: Path, model: str, data: str, **order: int) -> None:
    """Notes what the checkpoints of a folder are of, or refuses to go on with others.

    Weights of one network fit other data of as many classes: training would go on with
    them, as if it had seen that data. And a step stands for the rows before it: with
    other rows in a step, or another order, some would be left out, and others read
    twice.

    Args:
        folder: Of the checkpoints; it is there.
        model: Name of the network.
        data: Name of the data set.
        **order: ``batch_size`` and ``seed`` of a run that is to train.

    Raises:
        CheckpointError: They are of another model, of other data, or of another order;
            or none of them is named as the last.
        TrainingError: The note cannot be written.
    """
    note = folder / OF
    wanted: dict[str, Any] = {"data": data, "model": model, **order}
    check_last(folder)
    found = _noted(note) if (folder / "checkpoint").exists() else {}
    _refuse_other(folder, found, wanted)
    if {**wanted, **found} != found:
        with written(note, "--checkpoints") as file:
            file.write_text(json.dumps({**wanted, **found}) + "\n")


def check_of(folder: Path, model: str, data: str) -> None:
    """Refuses checkpoints of others, as `claim` does, for one that only reads them.

    Raises:
        CheckpointError: They are of another model, or of other data.
    """
    _refuse_other(folder, _noted(folder / OF), {"data": data, "model": model})


def _refuse_other(folder: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    other = [key for key in wanted if found.get(key, wanted[key]) != wanted[key]]
    if other:
        were = " and ".join(f"{_said(key)} {found[key]}" for key in other)
        are = " and ".join(f"{_said(key)} {wanted[key]}" for key in other)
        raise CheckpointError(
            f"the checkpoints of {folder} are of {were}, not of {are}: choose an empty "
            "folder with --checkpoints, or train what they are of"
        )


def _noted(note: Path) -> dict[str, Any]:
    """What a note says; nothing, of checkpoints whose writer knew no notes."""
    try:
        found = json.loads(note.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _said(key: str) -> str:
    """As the command line says it."""
    return key if key in ("data", "model") else f"--{key.replace('_', '-')}"


def _build(model: Any) -> None:
    """Optimizers make their variables at the first step; a restored one needs them."""
    optimizer = model.optimizer
    if not getattr(optimizer, "built", False) and hasattr(optimizer, "build"):
        optimizer.build(model.trainable_variables)
