# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""Observes tensors of a frozen graph, which TensorFlow runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tfnative.errors import InvalidArgumentError
from tfnative_aot.load.session_source import SessionSource
from tfnative_aot.load.source import Arrays
from tfnative_aot.progress import Progress, Silent
from tfnative_aot.quantize.calibrate.collect import Array, Run, collect
from tfnative_aot.quantize.calibrate.data import CalibrationData
from tfnative_aot.quantize.calibrate.observed import Observed
from tfnative_aot.verify.messages import tensorflow_message

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef


def observe(
    graph_def: GraphDef,
    input_names: Mapping[str, str],
    tensors: Sequence[str],
    data: CalibrationData,
    progress: Progress | None = None,
) -> dict[str, Observed]:
    """What values tensors of a graph have, over all samples.

    Args:
        graph_def: A frozen graph, which takes any number of rows if the data have rows.
        input_names: The graph's tensor of each input in the data, as ``node:index``.
        tensors: Floating-point tensors of the graph, outside of loops and branches.
        data: The samples.
        progress: Is told of the stage, and of each batch.

    Returns:
        What is known of each, by name.

    Raises:
        InvalidArgumentError: TensorFlow fails on the samples; says how.
    """
    run = session_run(graph_def, input_names)
    return collect(run, tensors, data, progress or Silent())


def session_run(graph_def: GraphDef, input_names: Mapping[str, str]) -> Run:
    """What runs a batch in a session on a frozen graph, of any of its tensors.

    See ``observe``.
    """
    source = SessionSource.from_graph_def(graph_def)

    def run(feeds: Arrays, tensors: Sequence[str]) -> Sequence[Array]:
        fed = {input_names[name]: array for name, array in feeds.items()}
        try:
            return source.fetch(tensors, fed)
        except Exception as error:  # Whatever TensorFlow raises for bad input.
            raise InvalidArgumentError(
                "--calibration: TensorFlow fails on these samples: "
                f"{tensorflow_message(error)}"
            ) from error

    return run
