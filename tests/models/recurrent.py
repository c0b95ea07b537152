# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers of all kinds in one model, one output for each, in Keras 3 and 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.models.saving import randomize

STEPS, FEATURES, WORDS = 5, 32, 50
_UNITS = 34
"""So that every layer's weights are more than are left as they are."""


def _outputs(keras: Any, x: Any, ids: Any) -> dict[str, Any]:
    layers = keras.layers
    known = layers.Masking()(x)
    words = layers.Embedding(WORDS, FEATURES, mask_zero=True)(ids)
    states = layers.LSTM(_UNITS, return_state=True, name="with_state")(x)
    stacked = layers.LSTM(_UNITS, return_sequences=True, name="below")(known)
    both = layers.LSTM(_UNITS, return_sequences=True, name="both_ways")
    return {
        "gru": layers.GRU(_UNITS, name="gru")(x),
        "old_gru": layers.GRU(_UNITS, reset_after=False, name="old_gru")(x),
        "simple": layers.SimpleRNN(_UNITS, name="simple")(x),
        "masked": layers.LSTM(_UNITS, name="masked")(known),
        "words": layers.GRU(_UNITS, name="words")(words),
        "both": layers.Bidirectional(both)(x),
        "masked_both": layers.Bidirectional(layers.GRU(_UNITS, name="both"))(known),
        "stacked": layers.GRU(_UNITS, name="above")(stacked),
        "backwards": layers.LSTM(_UNITS, go_backwards=True, name="backwards")(x),
        "hidden": states[1],
        "carried": states[2],
        "unrolled": layers.LSTM(_UNITS, unroll=True, name="unrolled")(x),
    }


def _named(keras: Any, found: dict[str, Any]) -> dict[str, Any]:
    """What Keras 2 names outputs by, too, is the last layer."""
    return {
        name: keras.layers.Activation("linear", name=name + "_out")(value)
        for name, value in found.items()
    }


def _build(keras: Any, *, stateful: bool = False) -> Any:
    keras.utils.set_random_seed(4)
    if stateful:
        x = keras.Input(batch_shape=(2, STEPS, FEATURES), name="x")
        return keras.Model(x, keras.layers.LSTM(_UNITS, stateful=True)(x))
    x = keras.Input((STEPS, FEATURES), name="x")
    ids = keras.Input((STEPS,), dtype="int32", name="ids")
    outputs = _named(keras, _outputs(keras, x, ids))
    return randomize(keras.Model({"x": x, "ids": ids}, outputs))


def export_keras3(folder: Path) -> Path:
    """All kinds, as Keras 3 exports them."""
    import keras

    _build(keras).export(str(folder), format="tf_saved_model", verbose=False)
    return folder


def export_keras2(folder: Path) -> Path:
    """All kinds, as Keras 2 exports them."""
    import tf_keras

    _build(tf_keras).export(str(folder))
    return folder


def export_stateful3(folder: Path) -> Path:
    """A layer that keeps its state from call to call, in Keras 3."""
    import keras

    made = _build(keras, stateful=True)
    made.export(str(folder), format="tf_saved_model", verbose=False)
    return folder


def export_stateful2(folder: Path) -> Path:
    """The same in Keras 2."""
    import tf_keras

    _build(tf_keras, stateful=True).export(str(folder))
    return folder


EXPORTS: dict[str, Callable[[Path], Path]] = {
    "keras3": export_keras3,
    "keras2": export_keras2,
}
STATEFUL: dict[str, Callable[[Path], Path]] = {
    "keras3": export_stateful3,
    "keras2": export_stateful2,
}


def inputs(rows: int, seed: int = 0) -> dict[str, Any]:
    """Sequences of all lengths; what is behind their end is zeros."""
    rng = np.random.default_rng(seed)
    is_there = np.arange(STEPS) < rng.integers(1, STEPS + 1, (rows, 1))
    x = rng.standard_normal((rows, STEPS, FEATURES)).astype(np.float32)
    ids = rng.integers(1, WORDS, (rows, STEPS)).astype(np.int32)
    return {"x": x * is_there[..., None], "ids": ids * is_there}
