# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What hypothesis draws: a network, samples to calibrate with, and a precision."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.fidelity.random_networks.layers import LARGEST, LAYERS, Floats, Weights

SHAPES = ((1, 1, 3), (3, 3, 4), (7, 5, 3), (17, 17, 1), (8, 6, 8), (17,), (3, 17))
KINDS = ("plain", "plain", "zeros", "huge", "tiny", "mixed")
SAMPLES = ("normal", "normal", "positive", "constant", "one", "large", "sparse")
METHODS = ("mse", "min-max", "moving-average", "percentile", "kl")
PRECISIONS = (
    *(f"int8 {method}" for method in METHODS),
    *("int8-dynamic", "float16-weights", "bfloat16-weights", "int8-weights", "auto"),
)


@dataclass(frozen=True)
class Network:
    """Layers, one after the other.

    Attributes:
        shape: Of a row of "x".
        layers: Their names.
        weights: Of which kind.
        samples: Of which kind.
        precision: With the way to find ranges, if it needs one.
        has_more: Whether the middle is an output, too.
        seed: Of weights.
    """

    shape: tuple[int, ...]
    layers: tuple[str, ...]
    weights: str
    samples: str
    precision: str
    has_more: bool
    seed: int

    def __call__(self, x: Any) -> dict[str, Any]:
        """The network, in TensorFlow."""
        import tensorflow as tf

        rng = np.random.default_rng(self.seed)
        outputs = {}
        for number, name in enumerate(self.layers):
            layer, takes = LAYERS[name]
            shape = tuple(x.shape[1:])
            if takes(shape):
                made = layer(x, Weights(rng, self.weights))
                if 0 < np.prod(made.shape[1:]) <= LARGEST:
                    x = made
            if self.has_more and number == len(self.layers) // 2:
                outputs["middle"] = tf.identity(x)
        return {"y": tf.identity(x), **outputs}

    def save(self, folder: Path) -> Path:
        """Writes a SavedModel."""
        import tensorflow as tf

        module = tf.Module()
        spec = tf.TensorSpec((None, *self.shape), tf.float32, "x")
        module.call = tf.function(self, input_signature=[spec], autograph=False)
        tf.saved_model.save(module, str(folder), signatures=module.call)
        return folder

    def rows(self, count: int, seed: int) -> Floats:
        """Inputs as samples are, but for the kinds that say nothing of them."""
        rng = np.random.default_rng(seed)
        found = rng.normal(size=(count, *self.shape))
        if self.samples == "positive":
            found = np.abs(found)
        if self.samples == "large":
            found *= 1e4
        return found.astype(np.float32)

    def calibration(self) -> Floats:
        """Samples."""
        if self.samples == "one":
            return self.rows(1, 5)
        found = self.rows(24, 5)
        if self.samples == "constant":
            found[:] = 0.5
        if self.samples == "sparse":
            found[np.random.default_rng(6).random(found.shape) < 0.9] = 0
        return found

    def options(self) -> dict[str, Any]:
        """What ``tfnative.compile`` is asked for."""
        precision, _, method = self.precision.partition(" ")
        found: dict[str, Any] = {"precision": precision}
        if precision in ("int8", "auto"):
            found["calibration"] = {"x": self.calibration()}
        if method:
            found["calibration_method"] = method
        return found


@st.composite
def networks(draw: st.DrawFn, *, most_layers: int = 6) -> Network:
    """A network of some layers, of which those are left out that do not fit."""
    names = st.lists(st.sampled_from(list(LAYERS)), min_size=1, max_size=most_layers)
    return Network(
        shape=draw(st.sampled_from(SHAPES)),
        layers=tuple(draw(names)),
        weights=draw(st.sampled_from(KINDS)),
        samples=draw(st.sampled_from(SAMPLES)),
        precision=draw(st.sampled_from(PRECISIONS)),
        has_more=draw(st.booleans()),
        seed=draw(st.integers(0, 1000)),
    )
