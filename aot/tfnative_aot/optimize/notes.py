# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""What is to be known of signatures that were optimized, beside their steps."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tfnative._optimize.results import OptimizeNote
from tfnative_aot.freeze.refusals import changes_state
from tfnative_aot.load.reach import nodes_with_bodies
from tfnative_aot.optimize.compare import Outputs, finite_count
from tfnative_aot.optimize.defaults import computed_defaults
from tfnative_aot.optimize.still_random import still_random

if TYPE_CHECKING:
    from tfnative_aot.load.load_model import LoadedModel
    from tfnative_aot.optimize.graph import SignatureEnds, WholeGraph

_MOST_NAMES = 5


def notes(
    model: LoadedModel,
    graph: WholeGraph,
    outputs: Outputs,
    random: Collection[tuple[str, str]],
    generated: Collection[str] = (),
) -> tuple[OptimizeNote, ...]:
    """What is to be known of each signature.

    Args:
        model: The model as it came.
        graph: The graph as it is written.
        outputs: What it gives for the samples.
        random: Which outputs are others at each run.
        generated: Signatures whose inputs are not in the data that were given.
    """
    computed = computed_defaults(model, graph.ends)
    return tuple(
        OptimizeNote(ends.signature.name, kind, text)
        for ends in graph.ends
        for kind, text in (
            *of_data(ends, generated),
            *_of_samples(ends, outputs, random),
            *(("still_random", text) for text in still_random(graph.graph_def, ends)),
            *_of_updates(model, ends.signature.name),
            *_of_defaults(computed.get(ends.signature.name, ())),
        )
    )


def of_data(
    ends: SignatureEnds, generated: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Kind and text of the note that a signature's inputs are generated, if so."""
    if ends.signature.name in generated:
        names = _listed([spec.name for spec in ends.signature.inputs])
        yield (
            "generated",
            "was compared on generated rows, since --representative-data does not "
            f"give {names}; leave it out with --signature, or give that as well",
        )


def _of_samples(
    ends: SignatureEnds, outputs: Outputs, random: Collection[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    own = {
        name: arrays
        for (signature, name), arrays in outputs.items()
        if signature == ends.signature.name and (signature, name) not in random
    }
    own = {n: a for n, a in own.items() if any(array.size for array in a)}
    unseen = [n for n, arrays in own.items() if not any(map(finite_count, arrays))]
    if unseen:
        yield (
            "not_compared",
            f"gives no finite number as {_listed(unseen)} for the rows that it was "
            "compared on: no step is judged by that; give other rows with "
            "--representative-data",
        )
    same = [n for n, arrays in own.items() if n not in unseen and _is_constant(arrays)]
    if ends.inputs and same and len(same) + len(unseen) == len(own):
        yield (
            "constant",
            f"gives the same as {_listed(same)} for all rows that it was compared on: "
            "few errors would be seen; give other rows with --representative-data",
        )


def _is_constant(arrays: list[NDArray[Any]]) -> bool:
    """Whether all elements are equal, of more than one."""
    values = np.concatenate([np.ravel(array) for array in arrays])
    return values.size > 1 and bool(np.all(values == values[0]))


def _of_updates(model: LoadedModel, signature: str) -> Iterator[tuple[str, str]]:
    """The averages that a batch normalization in training mode takes, for one."""
    source = model.source.graph(model.signature(signature))
    names = [
        node.name
        for node in nodes_with_bodies(source.graph_def, source.roots)
        if changes_state(node) and _is_real(node.attr["dtype"].type)
    ]
    if names:
        yield (
            "no_updates",
            f"changed variables at each call ({_listed(names)}), which its results do "
            "not depend on, and changes them no more. So do batch normalizations in "
            "training mode, whose results depend on the other rows of a batch: export "
            "it with training=False",
        )


def _of_defaults(names: Collection[str]) -> Iterator[tuple[str, str]]:
    if names:
        yield (
            "no_default",
            f"needs a value of {_listed(names)} now: the model computes a default for "
            "it, and constants alone are kept",
        )


def _is_real(dtype: int) -> bool:
    """Whether it is no counter, as that of random seeds."""
    return bool(dtype) and bool(tf.dtypes.as_dtype(dtype).is_floating)


def _listed(names: Collection[str]) -> str:
    shown = list(names)[:_MOST_NAMES]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "")
