# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Seeded weights, and the ways to write a model that tests go through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Build = Callable[[], Any]


def randomize(model: Any, seed: int = 7) -> Any:
    """Gives biases and batch normalization values that make a difference.

    Kernels keep their initial values. Fresh models have zero biases and batch
    norms that do nothing, which would hide mistakes in folding them.
    """
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        shape = tuple(weight.shape)
        name = getattr(weight, "path", weight.name)
        if "variance" in name:
            value = rng.uniform(0.5, 1.5, shape)
        elif "gamma" in name:
            value = rng.uniform(0.6, 1.4, shape)
        elif any(part in name for part in ("bias", "beta", "moving_mean")):
            value = rng.normal(0, 0.2, shape)
        else:
            continue
        weight.assign(value)
    return model


def keras3_export(build: Build) -> Callable[[Path], Path]:
    """Keras 3: ``model.export``."""

    def export(path: Path) -> Path:
        import keras

        keras.utils.set_random_seed(1)
        model = randomize(build())
        model.export(str(path), format="tf_saved_model", verbose=False)
        return path

    return export


def keras3_bare_save(build: Build) -> Callable[[Path], Path]:
    """Keras 3: ``tf.saved_model.save(model)``, without ``export``."""

    def export(path: Path) -> Path:
        import keras
        import tensorflow as tf

        keras.utils.set_random_seed(1)
        tf.saved_model.save(randomize(build()), str(path))
        return path

    return export


def module_save(
    build: Callable[[], tuple[Any, Any]], options: dict[str, Any] | None = None
) -> Callable[[Path], Path]:
    """``tf.saved_model.save`` of a tf.Module and its signatures.

    Args:
        build: Returns the module, and a tf.function or a dict of them.
        options: For tf.saved_model.SaveOptions.
    """

    def export(path: Path) -> Path:
        import tensorflow as tf

        tf.random.set_seed(1)
        module, signatures = build()
        tf.saved_model.save(
            module,
            str(path),
            signatures=signatures,
            options=tf.saved_model.SaveOptions(**(options or {})),
        )
        return path

    return export


def function_save(
    function: Callable[..., Any], **inputs: tuple[tuple[int | None, ...] | None, str]
) -> Callable[[Path], Path]:
    """Saves one function without variables as the only signature.

    Args:
        function: Takes its inputs by keyword, returns a dict of tensors.
        inputs: Shape and dtype of each.
    """

    def build() -> tuple[Any, Any]:
        import tensorflow as tf

        specs = {
            name: tf.TensorSpec(shape, dtype, name)
            for name, (shape, dtype) in inputs.items()
        }
        module = tf.Module()
        module.call = tf.function(function)
        return module, module.call.get_concrete_function(**specs)

    return module_save(build)
