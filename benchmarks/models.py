# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Models of the workloads, exported in a process of their own.

python -m benchmarks.models NAME OUTPUT
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import run_python

ROOT = Path(__file__).resolve().parents[1]


def export(name: str, folder: Path) -> Path:
    """Exports a model below ``folder`` and returns the SavedModel's path."""
    output = folder / name
    run_python("-m", "benchmarks.models", name, output)
    return output


def mlp() -> Any:
    """32-64-64-1."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((32,), name="x"),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(1, name="y"),
        ]
    )


def mobilenet_v2() -> Any:
    """For images of 224 by 224."""
    import keras

    return keras.applications.MobileNetV2(input_shape=(224, 224, 3), weights=None)


def main(name: str, output: str) -> None:
    """Exports a model with seeded random weights."""
    import keras

    keras.utils.set_random_seed(1)
    build = {"mlp": mlp, "mobilenet_v2": mobilenet_v2}[name]
    build().export(output, format="tf_saved_model", verbose=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
