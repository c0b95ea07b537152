# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Builds a network by its name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from training.errors import DataError
from training.models.spec import ModelSpec

if TYPE_CHECKING:
    from training.data import Data

NAMES = tuple(
    "mlp cnn mobilenet_v2 resnet lstm transformer wide_deep keyword autoencoder "
    "two_tower".split()
)


class _Models(dict[str, ModelSpec]):
    """The architectures by name; a module is imported when it is asked for."""

    def __missing__(self, name: str) -> ModelSpec:
        if name not in NAMES:
            raise DataError(
                f"there is no model {name!r}: choose one of {', '.join(NAMES)}"
            )
        spec: ModelSpec = importlib.import_module(f"training.models.{name}").SPEC
        self[name] = spec
        return spec


MODELS = _Models()


def check_fits(name: str, data: Data) -> None:
    """Raises DataError, if a model does not fit the data."""
    reason = MODELS[name].needs(data)
    if reason:
        shapes = ", ".join(
            f"{feature} {spec.dtype} {spec.shape}"
            for feature, spec in data.features.items()
        )
        raise DataError(
            f"the model {name} does not fit the data {data.name}: {reason}; the data "
            f"has {shapes} to {data.task}. docs/training.md says what goes together"
        )


def build_model(name: str, data: Data, *, keras: Any = None, seed: int = 7) -> Any:
    """Builds a model that is not compiled, with random weights.

    Args:
        name: One of `NAMES`.
        data: What it is to be trained on: gives inputs their names and shapes.
        keras: The module to build with, ``keras`` by default; or ``tf_keras``.
        seed: Of the weights.

    Returns:
        A ``keras.Model`` that maps a dictionary of features to one tensor,
        ``probabilities`` (rows, classes) or ``value`` (rows, 1) by the name of its
        last layer; an autoencoder's is ``reconstruction``.

    Raises:
        DataError: There is no such model, or it does not fit the data.
    """
    check_fits(name, data)
    keras = keras or importlib.import_module("keras")
    keras.utils.set_random_seed(seed)
    return MODELS[name].build(data, keras)
