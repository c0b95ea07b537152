# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""python -m benchmarks.recurrent: how recurrent layers get the ranges of 8 bits.

Two networks with 64 units read scikit-learn's digits row by row. The products of both,
with inputs and with states, are computed in 8 bits, with ranges that each row finds for
itself, and with ranges that are the same for all: those of 300 training images, and
-1 to 1, between which states lie by their definition. Prints how far the scores are
from float32's, and how many images are named rightly. Then the product with states is
compiled in both ways, and both are timed in turns. docs/quantize.md has the figures.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import tfnative
from benchmarks.accuracy.data import digits
from benchmarks.measure import machine

Floats = npt.NDArray[np.float32]
Round = Callable[[str, Floats], Floats]
"""Rounds what is multiplied: "inputs", or "states"."""

_UNITS = 64
_EPOCHS = 25
_ROWS = (1, 32)


def main(arguments: list[str] | None = None) -> int:
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="of timing, in turns")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print(", ".join(f"{key} {value}" for key, value in machine().items()), end="\n\n")
    print("| layer | ranges | signal to noise | % right |\n| --- | --- | --- | --- |")
    for kind in ("LSTM", "GRU"):
        for line in accuracy(kind):
            print(line, flush=True)
    print("\n| rows | at run time | calibrated | ratio |\n| --- | --- | --- | --- |")
    for line in times(options.rounds):
        print(line, flush=True)
    return 0


def accuracy(kind: str) -> list[str]:
    """A line for each way to find ranges."""
    data = digits()
    x = data.test.pixels.reshape(-1, 8, 8)
    weights = _trained(kind, data.training.pixels.reshape(-1, 8, 8), data)
    exact = scores(kind, weights, x, lambda _, numbers: numbers)
    seen: dict[str, tuple[float, float]] = {"inputs": (0, 0), "states": (0, 0)}

    def observe(name: str, numbers: Floats) -> Floats:
        low, high = seen[name]
        seen[name] = (
            min(low, float(numbers.min())),
            max(high, float(numbers.max())),
        )
        return numbers

    scores(kind, weights, data.samples.reshape(-1, 8, 8), observe)
    whole = [_whole(w) if w.ndim == 2 else w for w in weights[:-2]] + weights[-2:]
    bounded = {**seen, "states": (-1.0, 1.0)}
    ways: Mapping[str, Round] = {
        "of each row, at run time": lambda _, numbers: of_rows(numbers),
        "of samples": lambda name, numbers: of_range(numbers, seen[name]),
        "of samples, states -1 to 1": lambda name, n: of_range(n, bounded[name]),
    }
    right = _right(exact, data.test.labels)
    lines = [f"| {kind} | float32 | | {right:.2f} |"]
    for name, way in ways.items():
        found = scores(kind, whole, x, way)
        noise = 10 * np.log10((exact**2).sum() / ((found - exact) ** 2).sum())
        right = _right(found, data.test.labels)
        lines.append(f"| {kind} | {name} | {noise:.1f} dB | {right:.2f} |")
    return lines


def _right(found: Floats, labels: npt.NDArray[np.int64]) -> float:
    return float((found.argmax(1) == labels).mean() * 100)


def _trained(kind: str, x: Floats, data: Any) -> list[Floats]:
    """The weights of a network: kernel, recurrent kernel, bias, and of scores."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    layer = getattr(layers, kind)(_UNITS)
    model = keras.Sequential([keras.Input((8, 8)), layer, layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    model.fit(x, data.training.labels, 32, _EPOCHS, verbose=0)
    return list(model.get_weights())


def scores(kind: str, weights: Sequence[Floats], x: Floats, way: Round) -> Floats:
    """What a network gives, as Keras defines its layers (``keras.layers.LSTM``, GRU).

    Args:
        kind: "LSTM", or "GRU".
        weights: As Keras has them.
        x: (rows, steps, features).
        way: What becomes of each operand of a product.
    """
    kernel, recurrent, bias, dense, dense_bias = weights
    h = c = np.zeros((len(x), _UNITS), np.float32)
    for step in range(x.shape[1]):
        given = way("inputs", x[:, step]) @ kernel
        own = way("states", h) @ recurrent
        if kind == "LSTM":
            i, f, g, o = np.split(given + own + bias, 4, axis=1)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = _sigmoid(o) * np.tanh(c)
        else:
            of_x = np.split(given + bias[0], 3, axis=1)
            of_h = np.split(own + bias[1], 3, axis=1)
            update, reset = (_sigmoid(of_x[n] + of_h[n]) for n in range(2))
            h = update * h + (1 - update) * np.tanh(of_x[2] + reset * of_h[2])
    return np.asarray(h @ dense + dense_bias)


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def _whole(weights: Floats) -> Floats:
    scale = np.abs(weights).max(0) / 127
    return np.asarray(np.rint(weights / scale) * scale)


def of_rows(numbers: Floats) -> Floats:
    """Numbers in 256 steps from the least of each row, or 0, to its largest."""
    low = np.minimum(numbers.min(1, keepdims=True), 0)
    high = np.maximum(numbers.max(1, keepdims=True), 0)
    return _stepped(numbers, low, high)


def of_range(numbers: Floats, ends: tuple[float, float]) -> Floats:
    """Numbers in 256 steps of one range."""
    return _stepped(numbers, np.float32(ends[0]), np.float32(ends[1]))


def _stepped(numbers: Floats, low: Any, high: Any) -> Floats:
    scale = np.maximum(high - low, np.float32(1e-30)) / 255
    zero = np.rint(-low / scale)
    steps = np.clip(np.rint(numbers / scale) + zero, 0, 255)
    return np.asarray((steps - zero) * scale)


def times(rounds: int) -> list[str]:
    """The product of states with weights for four gates, and what makes it bytes."""
    import tensorflow as tf

    rng = np.random.default_rng(1)
    recurrent = rng.normal(size=(_UNITS, 4 * _UNITS)).astype(np.float32)
    h = np.tanh(rng.normal(size=(300, _UNITS))).astype(np.float32)
    module = tf.Module()
    spec = tf.TensorSpec((None, _UNITS), tf.float32, "h")
    serve = tf.function(
        lambda h: {"gates": tf.matmul(h, recurrent)},
        input_signature=[spec],
        autograph=False,
    )
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "saved"
        tf.saved_model.save(module, str(saved), signatures=serve)
        models = []
        for precision in ("int8-dynamic", "int8"):
            given = {"calibration": {"h": h}} if precision == "int8" else {}
            artifact = tfnative.compile(
                *(saved, Path(folder) / precision),
                precision=precision,
                batch_sizes=_ROWS,
                cpus=["native"],
                **given,
            )
            models.append(tfnative.load(artifact, threads=1))
        for rows in _ROWS:
            found = [
                [_micros(model, h[:rows]) for model in models] for _ in range(rounds)
            ]
            dynamic, static = np.min(found, axis=0)
            ratio = np.median([of[1] / of[0] for of in found])
            lines.append(
                f"| {rows} | {dynamic:.2f} µs | {static:.2f} µs | {ratio:.2f} |"
            )
        for model in models:
            model.close()
    return lines


def _micros(model: Any, h: Floats) -> float:
    """Of all steps of a call together."""
    return float(sum(step.micros for step in model.profile({"h": h}, runs=200).steps))


if __name__ == "__main__":
    sys.exit(main())
