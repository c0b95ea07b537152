# SPDX-FileCopyrightText: The tfnative authors
# SPDX-License-Identifier: Apache-2.0
"""The Graph Transform Tool of TensorFlow 2.21, without the Python of TensorFlow.

In a process where ``lean_2_21`` is installed, importing this loads TensorFlow's library
and nothing else: a third of what graphs need.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorflow.python.util import _pywrap_transform_graph


def transform_graph(
    graph_def: bytes,
    inputs: Sequence[str],
    outputs: Sequence[str],
    transforms: Sequence[str],
) -> bytes:
    """Runs the Graph Transform Tool on a serialised GraphDef."""
    result: bytes = _pywrap_transform_graph.TransformGraphWithStringInputs(
        graph_def,
        ",".join(inputs).encode(),
        ",".join(outputs).encode(),
        " ".join(transforms).encode(),
    )
    return result
