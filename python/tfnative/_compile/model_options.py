# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Options that say which model is meant, for all that read TensorFlow's models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tfnative._base.options.declare import option
from tfnative._base.options.kinds import Names
from tfnative._compile.kinds import Constants, Tensors


def tags() -> Sequence[str]:
    """Which of a SavedModel's graphs."""
    return option(("serve",), Names("TAG"), "which graph of the SavedModel")


def tensors(ends: str) -> Mapping[str, str] | Sequence[str] | None:
    """The "inputs" or "outputs" of a GraphDef."""
    return option(
        None,
        Tensors(),
        f"{ends} of a GraphDef: tensors by name, or tensors alone",
        default_is="a SavedModel's signatures name them",
    )


def constants(made: str) -> Mapping[str, object] | None:
    """Inputs that are none of the model that is made, which is "compiled", say."""
    return option(
        None,
        Constants(),
        "values for inputs that always have the same one, which are no inputs of the "
        f"{made} model; and for placeholders of TensorFlow 1, by node",
        default_is="the model's inputs are all left open",
        flag="--constant",
    )
