# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What a module of an architecture says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.data import Data


@dataclass(frozen=True)
class ModelSpec:
    """An architecture.

    Attributes:
        build: Makes the model: ``build(data, keras)``.
        needs: Whether it fits the data; the reason why not, or None.
        target: What it is trained towards: ``label``, or ``input`` for one that
            reconstructs its only input.
        learning_rate: To begin with, for Adam.
        embeddings: Layers that the signature ``embedding`` gives; if there are none,
            what the last dense layer sees.
    """

    build: Callable[[Data, Any], Any]
    needs: Callable[[Data], str | None]
    target: str = "label"
    learning_rate: float = 3e-3
    embeddings: tuple[str, ...] = ()


def inputs_of(data: Data, keras: Any) -> dict[str, Any]:
    """A ``keras.Input`` for each feature, by name."""
    return {
        name: keras.Input(spec.shape, name=name, dtype=spec.dtype)
        for name, spec in data.features.items()
    }


def head(x: Any, data: Data, keras: Any) -> Any:
    """``probabilities`` of the classes, (rows, classes), or ``value``, (rows, 1).

    In float32 whatever the policy: float16 has no room for small probabilities.
    """
    if data.task == "regress":
        mean, deviation = data.index.scale
        x = keras.layers.Dense(1, dtype="float32")(x)
        return keras.layers.Rescaling(deviation, mean, name="value", dtype="float32")(x)
    return keras.layers.Dense(
        len(data.labels), activation="softmax", name="probabilities", dtype="float32"
    )(x)


def needs_images(data: Data) -> str | None:
    """For `ModelSpec.needs`: one image to classify."""
    shapes = [spec.shape for spec in data.features.values()]
    if [len(shape) for shape in shapes] == [3] and data.task == "classify":
        return None
    return "it classifies images"


def needs_numbers(data: Data) -> str | None:
    """For `ModelSpec.needs`: features that are numbers, and not letters."""
    if all(spec.dtype == "float32" for spec in data.features.values()):
        return None
    return "its inputs are numbers, not letters"


def needs_sequence(data: Data) -> str | None:
    """For `ModelSpec.needs`: letters in a line, or rows of an image."""
    specs = list(data.features.values())
    if len(specs) == 1 and (specs[0].stored == "text" or len(specs[0].shape) == 3):
        return None
    return "it reads letters, or rows of an image"
