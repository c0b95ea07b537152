# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""A small classifier, of which one layer does not bear 8 bits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfnative import CompileOptions
from tfnative_aot.artifact.build import Builder
from tfnative_aot.load.load_model import LoadedModel, load_model
from tfnative_aot.machines.targets import host_target
from tfnative_aot.quantize.auto.trial import Workshop
from tfnative_aot.split.divide import Prepared, prepare

INPUTS, WIDTH, CLASSES = 24, 64, 6
SENSITIVE = "second"
LAYERS = ("first", "second", "third")
Floats = npt.NDArray[np.float32]
_SHIFT = np.float32(1000)
"""What all numbers before the sensitive layer are larger by than they need to be."""


def samples(count: int, seed: int = 1) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Points around a centre for each class, and which class each is of."""
    centres = np.random.default_rng(0).standard_normal((CLASSES, INPUTS))
    rng = np.random.default_rng(seed)
    labels = rng.integers(CLASSES, size=count)
    noise = 1.5 * rng.standard_normal((count, INPUTS))
    return (centres[labels] + noise).astype(np.float32), labels


@lru_cache(maxsize=1)
def _weights() -> tuple[Floats, Floats, Floats, Floats]:
    """Random features, what is added to the second ones, and least squares' weights.

    Numbers before the second layer are a large one and little more. In float32 that
    changes nothing, but in 8 bits little is left of what differs. No factor for a
    channel and no bias mends that. Float16 holds the weights there nearly.
    """
    rng = np.random.default_rng(2)
    first = rng.standard_normal((INPUTS, WIDTH)).astype(np.float32) / np.float32(4)
    second = rng.standard_normal((WIDTH, WIDTH)).astype(np.float16) / np.float16(8)
    second = second + rng.uniform(-2e-6, 2e-6, second.shape).astype(np.float32)
    back = -_SHIFT * second.sum(axis=0)
    x, labels = samples(3000, seed=3)
    hidden = np.maximum(np.maximum(x @ first + _SHIFT, 0) @ second + back, 0)
    third = np.linalg.lstsq(hidden, np.eye(CLASSES)[labels], rcond=None)[0]
    return first, second, back, third.astype(np.float32)


def write_model(folder: Path, outputs: int = 1) -> Path:
    """Writes a frozen graph from "x" to "scores", and to more of the same shape."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (None, INPUTS), "x")
        first, second, back, third = _weights()
        x = tf.nn.relu(tf.matmul(x, first, name="first") + _SHIFT)
        x = tf.nn.relu(tf.matmul(x, second, name="second") + back)
        scores = tf.matmul(x, third, name="third")
        tf.identity(scores, "scores")
        for number in range(1, outputs):
            tf.nn.softmax(scores, name=f"others{number}")
    path = folder / "blobs.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def ends(outputs: int = 1) -> dict[str, Any]:
    """The options that name the inputs and outputs of the graph."""
    others = {f"others{n}": f"others{n}:0" for n in range(1, outputs)}
    return {"inputs": {"x": "x:0"}, "outputs": {"scores": "scores:0", **others}}


def prepared(folder: Path, outputs: int = 1) -> tuple[LoadedModel, Prepared]:
    """The model, ready to be quantized."""
    path = write_model(folder, outputs)
    loaded = load_model(path, tags=("serve",), **ends(outputs))
    return loaded, prepare(loaded, next(iter(loaded.signatures)), None)


def workshop(loaded: LoadedModel, folder: Path, **options: Any) -> Workshop:
    """One without a compiler, in which times are estimated: always the same ones."""
    target = host_target()
    assert target is not None
    builder = Builder(target, static=False, sources=True, toolchain=None)
    asked = CompileOptions(precision="auto", **options)
    nothing: Any = None
    return Workshop(
        loaded=loaded,
        options=asked,
        name="blobs",
        target=target,
        levels=target.levels,
        batch_sizes=(1,),
        builder=builder,
        server=nothing,
        work=folder,
        pool=ThreadPoolExecutor(1),
    )
